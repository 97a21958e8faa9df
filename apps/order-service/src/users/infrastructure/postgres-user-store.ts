import { isUniqueViolation, type Share } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { UserStore, type StoredUser } from '../application/user-store.js';
import type { User } from '../domain/user.js';

const columns = sql`id, email, name, role`;

export class PostgresUserStore extends UserStore {
  constructor(private readonly share: Share<unknown>) {
    super();
  }

  async insert({ id, email, name, role, passwordHash }: StoredUser): Promise<'created' | 'email-taken'> {
    const { numAffectedRows } = await sql`
      insert into app_user (id, email, name, role, password_hash) values (${id}, ${email}, ${name}, ${role}, ${passwordHash})
      on conflict (email) do nothing`.execute(this.share.db);
    return numAffectedRows === 1n ? 'created' : 'email-taken';
  }

  async find(id: string): Promise<User | undefined> {
    const { rows } = await sql<User>`select ${columns} from app_user where id = ${id}`.execute(this.share.db);
    return rows[0];
  }

  async findByEmail(email: string): Promise<StoredUser | undefined> {
    const { rows } = await sql<StoredUser>`
      select ${columns}, password_hash as "passwordHash" from app_user where email = ${email}`.execute(this.share.db);
    return rows[0];
  }

  async update(
    id: string,
    change: Partial<Pick<StoredUser, 'name' | 'email' | 'passwordHash' | 'role'>>,
  ): Promise<User | 'email-taken' | undefined> {
    try {
      const { rows } = await sql<User>`
        update app_user set
          name = coalesce(${change.name ?? null}, name),
          email = coalesce(${change.email ?? null}, email),
          role = coalesce(${change.role ?? null}, role),
          password_hash = coalesce(${change.passwordHash ?? null}, password_hash)
        where id = ${id} returning ${columns}`.execute(this.share.db);
      return rows[0];
    } catch (error) {
      if (isUniqueViolation(error)) return 'email-taken';
      throw error;
    }
  }
}
