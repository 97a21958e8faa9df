import type { User } from '../domain/user.js';

export interface StoredUser extends User {
  passwordHash: string;
}

/** Users as they are kept. E-mail addresses are normalised by the caller. */
export abstract class UserStore {
  abstract insert(user: StoredUser): Promise<'created' | 'email-taken'>;
  abstract find(id: string): Promise<User | undefined>;
  abstract findByEmail(email: string): Promise<StoredUser | undefined>;
  abstract update(
    id: string,
    change: Partial<Pick<StoredUser, 'name' | 'email' | 'passwordHash' | 'role'>>,
  ): Promise<User | 'email-taken' | undefined>;
}
