/** Slow on purpose. Bounded: as many at once as the machine can bear, and few waiting. */
export abstract class PasswordHasher {
  /** @throws UnavailableFault when too many wait already */
  abstract hash(password: string): Promise<string>;
  /** False for anything that is not a hash of ours too. @throws UnavailableFault when too many wait already */
  abstract verify(hash: string, password: string): Promise<boolean>;
}
