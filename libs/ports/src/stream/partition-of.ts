const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const encoder = new TextEncoder();

/**
 * The partition of a subject: the same on every adapter and for ever, since changing it breaks order within a subject.
 * FNV-1a (32 bits) of its UTF-8, then the finalizer of MurmurHash3: the low bits of FNV-1a alone see only the low bits
 * of each byte. Sources: Fowler, Noll, Vo, draft-eastlake-fnv; A. Appleby, MurmurHash3 (public domain).
 */
export function partitionOf(subject: string, partitions: number): number {
  let hash = FNV_OFFSET;
  for (const byte of encoder.encode(subject)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) % partitions;
}
