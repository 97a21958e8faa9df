/**
 * Keys that share a tag share a slot; a cluster refuses one command over several (CROSSSLOT).
 * @throws Error naming two keys of different tags: a bug in the caller, found on one node before a cluster finds it
 */
export function assertOneSlot(script: string, keys: readonly unknown[]): void {
  if (keys.length < 2) return;
  const first = tagOf(keys[0]);
  for (const key of keys) {
    if (tagOf(key) === first) continue;
    throw new Error(
      `script ${script}: the keys ${String(keys[0])} and ${String(key)} are in different slots ` +
        '(a batch of independent calls says acrossSlots)',
    );
  }
}

/** What is hashed: the text between the first brace and the next closing one, else the whole key. */
function tagOf(key: unknown): string {
  const text = String(key);
  const open = text.indexOf('{');
  const close = open < 0 ? -1 : text.indexOf('}', open + 1);
  return close > open + 1 ? text.slice(open + 1, close) : text;
}
