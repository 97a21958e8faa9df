import { type Cache, type Cached, type Call, type Space, jsonCodec } from '@redstart/ports';
import { v7 as uuid } from 'uuid';
import { normaliseEmail, type User } from '../domain/user.js';
import type { PasswordHasher } from './password-hasher.js';
import { EmailTakenError, InvalidCredentialsError, UserNotFoundError } from './user-errors.js';
import type { UserStore } from './user-store.js';

/** A user behind the cache: invalidated at once after a change, and at most `ttlMs` old where that was lost. */
export const userSpace: Space<User> = {
  name: 'user',
  codec: jsonCodec<User>('user@1'),
  ttlMs: 30_000,
  graceMs: 10 * 60_000,
};

export class Users {
  private dummyHash: Promise<string> | undefined;

  constructor(private readonly parts: { store: UserStore; hasher: PasswordHasher; cache: Cache }) {}

  /** @throws EmailTakenError */
  async create(input: { email: string; password: string; name: string }): Promise<User> {
    const { store, hasher } = this.parts;
    const email = normaliseEmail(input.email);
    // Asked first, so that a taken address does not cost a hash; the unique key decides.
    if (await store.findByEmail(email)) throw new EmailTakenError();
    const user: User = { id: uuid(), email, name: input.name.trim(), role: 'customer' };
    const made = await store.insert({ ...user, passwordHash: await hasher.hash(input.password) });
    if (made === 'email-taken') throw new EmailTakenError();
    return user;
  }

  /** @throws UserNotFoundError */
  async get(id: string, call?: Call): Promise<Cached<User> & { value: User }> {
    const cached = await this.parts.cache.getOrLoad(userSpace, id, () => this.parts.store.find(id), call);
    if (!cached.value) throw new UserNotFoundError();
    return { ...cached, value: cached.value };
  }

  async findByEmail(email: string): Promise<User[]> {
    const found = await this.parts.store.findByEmail(normaliseEmail(email));
    return found ? [withoutSecret(found)] : [];
  }

  /** @throws EmailTakenError, UserNotFoundError */
  async update(id: string, input: { name?: string; email?: string; password?: string }): Promise<User> {
    const updated = await this.parts.store.update(id, {
      ...(input.name !== undefined && { name: input.name.trim() }),
      ...(input.email !== undefined && { email: normaliseEmail(input.email) }),
      ...(input.password !== undefined && { passwordHash: await this.parts.hasher.hash(input.password) }),
    });
    if (updated === 'email-taken') throw new EmailTakenError();
    if (!updated) throw new UserNotFoundError();
    await this.parts.cache.invalidate(userSpace, [id]);
    return updated;
  }

  /**
   * Takes as long for an address that nobody has as for a wrong password, so that addresses cannot be told by time.
   * @throws InvalidCredentialsError
   */
  async authenticate(input: { email: string; password: string }): Promise<User> {
    const { store, hasher } = this.parts;
    const found = await store.findByEmail(normaliseEmail(input.email));
    this.dummyHash ??= hasher.hash('a password that nobody has');
    const dummy = await this.dummyHash.catch((error: unknown) => {
      this.dummyHash = undefined;
      throw error;
    });
    const right = await hasher.verify(found?.passwordHash ?? dummy, input.password);
    if (!found || !right) throw new InvalidCredentialsError();
    return withoutSecret(found);
  }
}

const withoutSecret = ({ id, email, name, role }: User): User => ({ id, email, name, role });
