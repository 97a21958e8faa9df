import { describe, expect, it } from '@jest/globals';
import { Argon2PasswordHasher } from './argon2-password-hasher.js';

describe('the password hasher', () => {
  const hasher = new Argon2PasswordHasher();

  it('makes argon2id hashes of the documented cost, salted', async () => {
    const [one, other] = await Promise.all([hasher.hash('secret'), hasher.hash('secret')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(other).not.toBe(one);
  });

  it('tells the right password from a wrong one, and takes anything else for wrong', async () => {
    const hash = await hasher.hash('secret');
    expect(await hasher.verify(hash, 'secret')).toBe(true);
    expect(await hasher.verify(hash, 'Secret')).toBe(false);
    expect(await hasher.verify('no hash at all', 'secret')).toBe(false);
  });

  it('refuses at once when too many wait, and goes on with the others', async () => {
    const narrow = new Argon2PasswordHasher({ atOnce: 1, waiting: 2 });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => narrow.hash('secret')));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[3]).toMatchObject({ reason: { code: 'UNAVAILABLE', effect: 'none' } });
    await expect(narrow.hash('secret')).resolves.toMatch(/^\$argon2id/);
  });
});
