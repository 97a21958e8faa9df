/** One call of `loadMany` for all keys asked for within a turn of the event loop, each at most once. */
export function batched<T>(
  loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  let keys = new Set<string>();
  let batch: Promise<ReadonlyMap<string, T>> | undefined;
  return async (key) => {
    keys.add(key);
    batch ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      const asked = [...keys];
      keys = new Set();
      batch = undefined;
      return loadMany(asked);
    });
    return (await batch).get(key);
  };
}
