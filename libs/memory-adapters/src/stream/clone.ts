/** A deep copy that keeps classes, which `structuredClone` does not. What is shared within stays shared. */
export function clone<T>(value: T, copies = new Map<unknown, unknown>()): T {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known) return known as T;
  if (value instanceof Uint8Array) return value.slice() as T;
  if (value instanceof Set) return new Set(value) as T;
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    copies.set(value, copy);
    for (const [key, item] of value) copy.set(key, clone(item, copies));
    return copy as T;
  }
  const empty: unknown = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value) as object);
  const copy = empty as Record<string, unknown>;
  copies.set(value, copy);
  for (const [key, item] of Object.entries(value)) copy[key] = clone(item, copies);
  return copy as T;
}
