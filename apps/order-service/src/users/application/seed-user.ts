import { v7 as uuid } from 'uuid';
import { normaliseEmail, type User } from '../domain/user.js';
import type { PasswordHasher } from './password-hasher.js';
import type { UserStore } from './user-store.js';

/**
 * Makes the user of a setting, once; a setting that changed since changes role and password. Safe in several processes
 * at once. Answers what it did.
 */
export async function seedUser(
  { store, hasher }: { store: UserStore; hasher: PasswordHasher },
  wanted: { email: string; password: string; name: string; role: User['role'] },
): Promise<'created' | 'changed' | 'unchanged'> {
  const email = normaliseEmail(wanted.email);
  let known = await store.findByEmail(email);
  if (!known) {
    const passwordHash = await hasher.hash(wanted.password);
    const made = await store.insert({ id: uuid(), email, name: wanted.name, role: wanted.role, passwordHash });
    if (made === 'created') return 'created';
    known = await store.findByEmail(email);
    if (!known) throw new Error(`the user of ${email} vanished while it was being seeded`);
  }
  const samePassword = await hasher.verify(known.passwordHash, wanted.password);
  if (samePassword && known.role === wanted.role) return 'unchanged';
  await store.update(known.id, {
    role: wanted.role,
    ...(!samePassword && { passwordHash: await hasher.hash(wanted.password) }),
  });
  return 'changed';
}
