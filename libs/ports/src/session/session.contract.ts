import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../clock/clock.js';
import { eventually } from '../eventually/eventually.js';
import type { Restore, Troubles } from '../faulty/troubles.js';
import { DrivenSessionStore, type DrivenSessionStoreOptions } from './driven-session-store.js';
import { RecordsUnderTest } from './records-under-test.js';
import type { SeededSession, SessionDriver, SessionKey } from './session-driver.js';

/** A backend of its own for one test, and two handles on it, as two gateways have them. */
export interface SessionsUnderTest extends Troubles {
  /** What the troubles befall. */
  subject: SessionDriver;
  other: SessionDriver;
  /** Of the stores above them, and of the records. */
  clock: Clock;
  /** Default budget of the drivers' calls. */
  timeoutMs: number;
  /** The subject alone cannot reach the backend: its calls fail at once, or soon. */
  sever(): Promise<Restore>;
  /** The backend forgets all of this user, as all of everyone in a FLUSHALL. */
  forget(userId: string): Promise<void>;
  closeSubject(): Promise<void>;
  close(): Promise<void>;
}

interface Data {
  role: string;
}

const IDLE_MS = 600;
const ABSOLUTE_MS = 2_000;
/** Within a test's own time, so that it says what did not come. */
const SOON = { withinMs: 3_000 };
const DATA: Data = { role: 'customer' };

/** What every adapter of the session driver owes, below `DrivenSessionStore` and together with it. */
export function describeSessionContract(name: string, factory: { open(): Promise<SessionsUnderTest> }): void {
  describe(`${name}: session`, () => {
    let backend: SessionsUnderTest;
    let records: RecordsUnderTest<Data>;
    let gateway: DrivenSessionStore<Data>;
    let otherGateway: DrivenSessionStore<Data>;
    let userId: string;
    let troubles: Restore[];
    let stores: DrivenSessionStore<Data>[];

    const storeOn = (driver: SessionDriver, tuning: Partial<DrivenSessionStoreOptions<Data>> = {}) => {
      // The breaker is the machine's clock's; it would be open for a second after each outage.
      const breaker = { failures: 1_000, openMs: 100 };
      const store = new DrivenSessionStore<Data>({ driver, records, clock: backend.clock, breaker, ...tuning });
      stores.push(store);
      return store;
    };
    /** So that a test which fails in the middle of it does not leave it to the next. */
    const until = (restore: Restore): Restore => {
      troubles.push(restore);
      return restore;
    };
    const login = (on = gateway, tuning: { idleMs?: number; absoluteMs?: number } = {}) =>
      on.create(userId, { data: DATA, device: 'test', idleMs: IDLE_MS, absoluteMs: ABSOLUTE_MS, ...tuning });
    const longLogin = (on = gateway) => login(on, { idleMs: 60_000, absoluteMs: 600_000 });
    const statusOf = async (token: string, on = gateway) => (await on.read(token)).status;
    const keyOf = (token: string): SessionKey => {
      const [user, secret] = [token.slice(0, token.lastIndexOf('.')), token.slice(token.lastIndexOf('.') + 1)];
      return { userId: user, tokenHash: createHash('sha256').update(secret).digest('hex') };
    };
    const seedOf = async (driver: SessionDriver, tuning: Partial<SeededSession> = {}): Promise<SeededSession> => {
      const { generation, nowMs: verifiedAtMs } = await driver.prepare(userId);
      const limits = { idleMs: IDLE_MS, throttleMs: 20, remainingMs: ABSOLUTE_MS };
      return { body: 'body', ...limits, generation, verifiedAtMs, ...tuning };
    };
    const findsDuring = async (work: () => Promise<unknown>): Promise<number> => {
      const before = records.finds;
      await work();
      return records.finds - before;
    };

    beforeEach(async () => {
      [troubles, stores] = [[], []];
      backend = await factory.open();
      records = new RecordsUnderTest(backend.clock);
      userId = `user-${randomUUID()}`;
      [gateway, otherGateway] = [storeOn(backend.subject), storeOn(backend.other)];
    });

    afterEach(async () => {
      for (const restore of troubles) await restore();
      for (const store of stores) store.close();
      await backend.close();
    });

    describe('tokens', () => {
      it('gives a session that every gateway reads', async () => {
        const { token, session } = await login();
        expect(session).toMatchObject({ userId, data: DATA, device: 'test' });
        expect(session.expiresAt - session.createdAt).toBe(ABSOLUTE_MS);
        for (const store of [gateway, otherGateway]) {
          const read = await store.read(token);
          expect(read).toMatchObject({ status: 'active', session: { id: session.id, userId, data: DATA } });
        }
      });

      it('reads from the backend without asking the record', async () => {
        const { token } = await login();
        expect(await findsDuring(() => gateway.read(token))).toBe(0);
      });

      it('gives 256 random bits and keeps only their hash', async () => {
        const { token } = await login();
        expect(token).toMatch(/^user-[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}$/);
        expect((await login()).token).not.toBe(token);
        const secret = token.slice(userId.length + 1);
        expect(records.all().map(({ tokenHash }) => tokenHash)).toContain(keyOf(token).tokenHash);
        expect(JSON.stringify(records.all())).not.toContain(secret);
      });

      it('takes what can be no token for none, without asking anyone', async () => {
        const { token } = await login();
        const speak = until(await backend.silence());
        const secret = 'A'.repeat(43);
        const wrong = ['', '.', userId, `.${secret}`, `${userId}.`, `${userId}.short`, `${userId}.${secret}A`];
        const odd = [`${userId}.${'+'.repeat(43)}`, `${userId}.${'A'.repeat(42)}B`, `u\u0000.${secret}`, `ü.${secret}`];
        const finds = await findsDuring(async () => {
          for (const text of [...wrong, ...odd, ` ${token}`]) {
            expect([text, await gateway.read(text)]).toEqual([text, { status: 'none' }]);
            expect([text, await gateway.revoke(text)]).toEqual([text, 'none']);
          }
        });
        await speak();
        expect(finds).toBe(0);
      });

      it('takes a token of a user that the records cannot be asked for for none', async () => {
        const choosy = storeOn(backend.subject, { isUserId: (id) => id === userId });
        const { token } = await login(choosy);
        const finds = await findsDuring(async () => {
          expect(await statusOf(`someone.${'A'.repeat(43)}`, choosy)).toBe('none');
          expect(await choosy.revoke(`someone.${'A'.repeat(43)}`)).toBe('none');
          expect(await statusOf(token, choosy)).toBe('active');
        });
        expect(finds).toBe(0);
      });

      it('asks the record once for a token that nobody knows, and lets its user log in', async () => {
        const unknown = `${userId}.${'A'.repeat(43)}`;
        const finds = await findsDuring(async () => {
          for (let times = 0; times < 5; times += 1) expect(await statusOf(unknown)).toBe('none');
        });
        expect(finds).toBe(1);
        const { token } = await login();
        expect(await statusOf(token)).toBe('active');
      });

      it('keeps users of any name apart', async () => {
        const names = ['a', 'a.b', 'a:b', 'a%3Ab', '{a}', 'a}:{b'].map((each) => `${each}-${userId}`);
        const options = { data: DATA, device: 'test', idleMs: 60_000, absoluteMs: 60_000 };
        const tokens = [];
        for (const user of names) tokens.push((await gateway.create(user, options)).token);
        await gateway.revokeAll(names[2]!);
        const statuses = [];
        for (const token of tokens) statuses.push(await statusOf(token, otherGateway));
        expect(statuses).toEqual(['active', 'active', 'none', 'active', 'active', 'active']);
        for (const user of names) await backend.forget(user);
      });

      it('refuses a user without a name', async () => {
        for (const user of ['', 'with space', 'x'.repeat(129)]) {
          const options = { data: DATA, device: 'test', idleMs: 1_000, absoluteMs: 1_000 };
          await expect(gateway.create(user, options)).rejects.toBeInstanceOf(RangeError);
        }
      });

      it('reads data that its parser refuses from the record', async () => {
        const { token } = await longLogin();
        const strict = storeOn(backend.subject, {
          parse: () => {
            throw new TypeError('another version');
          },
        });
        expect(await findsDuring(() => strict.read(token))).toBe(1);
        expect(await strict.read(token)).toMatchObject({ status: 'active', session: { data: DATA } });
      });
    });

    describe('limits', () => {
      it('ends at the idle limit, on every gateway', async () => {
        const { token } = await login();
        await backend.advance(IDLE_MS + 50);
        expect(await statusOf(token)).toBe('none');
        expect(await statusOf(token, otherGateway)).toBe('none');
      });

      it('ends the record too at the idle limit, so that a backend that forgets does not revive it', async () => {
        const { token } = await login();
        await backend.advance(IDLE_MS + 50);
        expect(await statusOf(token)).toBe('none');
        expect(records.all()).toEqual([]);
        await backend.forget(userId);
        expect(await statusOf(token, otherGateway)).toBe('none');
      });

      it('stays idle when its record cannot be ended then, and ends it later', async () => {
        const { token } = await login();
        await backend.advance(IDLE_MS + 50);
        records.away = new Error('the record is away');
        expect(await statusOf(token)).toBe('none');
        records.away = undefined;
        expect(records.all()).toHaveLength(1);
        expect(await statusOf(token)).toBe('none');
        expect(records.all()).toEqual([]);
      });

      it('moves the idle limit when it is used, and never past the absolute one', async () => {
        const { token, session } = await login();
        for (let use = 0; use < 4; use += 1) {
          await backend.advance(IDLE_MS / 2);
          const read = await otherGateway.read(token);
          if (read.status !== 'active') throw new Error(`ended at use ${use}`);
          expect(read.session.idleExpiresAt).toBeGreaterThan(session.idleExpiresAt);
          expect(read.session.idleExpiresAt).toBeLessThanOrEqual(read.session.expiresAt);
          expect(read.session.expiresAt).toBe(session.expiresAt);
        }
      });

      it('ends at the absolute limit, however much it is used', async () => {
        const { token } = await login(gateway, { idleMs: IDLE_MS, absoluteMs: 900 });
        await backend.advance(450);
        expect(await statusOf(token)).toBe('active');
        await backend.advance(500);
        expect(await statusOf(token)).toBe('none');
        expect(await statusOf(token, otherGateway)).toBe('none');
      });

      it('moves the idle limit at most once in throttleMs', async () => {
        const at = { userId, tokenHash: 'a'.repeat(64) };
        await backend.subject.seed(at, await seedOf(backend.subject, { throttleMs: 300, idleMs: 5_000 }));
        await backend.advance(100);
        const early = await backend.other.read(at);
        expect(early).toMatchObject({ status: 'active', body: 'body' });
        if (early.status === 'active') expect(early.idleRemainingMs).toBeLessThanOrEqual(4_905);
        await backend.advance(250);
        expect(await backend.other.read(at)).toMatchObject({ status: 'active', idleRemainingMs: 5_000 });
      });

      it('keeps the idle limit of an entry that is seeded again', async () => {
        const at = { userId, tokenHash: 'b'.repeat(64) };
        await backend.subject.seed(at, await seedOf(backend.subject, { throttleMs: 60_000, idleMs: 5_000 }));
        await backend.advance(100);
        const again = await backend.subject.seed(at, await seedOf(backend.subject, { body: 'new', idleMs: 5_000 }));
        expect(again.status).toBe('seeded');
        if (again.status === 'seeded') expect(again.idleRemainingMs).toBeLessThanOrEqual(4_905);
        expect(await backend.other.read(at)).toMatchObject({ status: 'active', body: 'new' });
      });

      it('says which entries are idle, and which it never had', async () => {
        const at = { userId, tokenHash: 'c'.repeat(64) };
        expect(await backend.subject.read(at)).toMatchObject({ status: 'missing' });
        const seed = await seedOf(backend.subject, { idleMs: 200, remainingMs: 600 });
        await backend.subject.seed(at, seed);
        await backend.advance(250);
        expect(await backend.subject.read(at)).toMatchObject({ status: 'idle' });
        expect(await backend.subject.seed(at, seed)).toEqual({ status: 'ended' });
        expect(await backend.other.read(at)).toMatchObject({ status: 'idle' });
        await backend.advance(400);
        expect(await backend.subject.read(at)).toMatchObject({ status: 'missing' });
      });
    });

    describe('revocation', () => {
      it('ends one session on every gateway, and none of the others', async () => {
        const [{ token }, { token: kept }] = [await longLogin(), await longLogin()];
        expect(await statusOf(token, otherGateway)).toBe('active');
        expect(await gateway.revoke(token)).toBe('revoked');
        for (const store of [gateway, otherGateway]) {
          expect(await statusOf(token, store)).toBe('none');
          expect(await statusOf(kept, store)).toBe('active');
        }
      });

      it('says when there was nothing to end', async () => {
        const { token } = await longLogin();
        expect(await otherGateway.revoke(token)).toBe('revoked');
        expect(await gateway.revoke(token)).toBe('none');
        expect(await gateway.revoke(`${userId}.${'A'.repeat(43)}`)).toBe('none');
      });

      it('ends all sessions of one user, and no other, and lets the user log in again', async () => {
        const tokens = [await longLogin(), await longLogin(otherGateway)].map(({ token }) => token);
        const another = await gateway.create(`other-${userId}`, {
          data: DATA,
          device: 'test',
          idleMs: 60_000,
          absoluteMs: 60_000,
        });
        await gateway.revokeAll(userId);
        for (const token of tokens) {
          expect(await statusOf(token)).toBe('none');
          expect(await statusOf(token, otherGateway)).toBe('none');
        }
        expect(await statusOf(another.token)).toBe('active');
        expect(await statusOf((await longLogin()).token, otherGateway)).toBe('active');
        await backend.forget(`other-${userId}`);
      });

      it('is not undone by an extension', async () => {
        const at = { userId, tokenHash: 'd'.repeat(64) };
        await backend.subject.seed(at, await seedOf(backend.subject, { throttleMs: 0 }));
        await backend.other.end(at);
        for (let times = 0; times < 3; times += 1) {
          await backend.advance(20);
          expect(await backend.subject.read(at)).toMatchObject({ status: 'ended' });
        }
        expect(await backend.subject.seed(at, await seedOf(backend.subject))).toEqual({ status: 'ended' });
        expect(await backend.other.read(at)).toMatchObject({ status: 'ended' });
      });

      it('holds against any number of requests that use the session at the same time', async () => {
        const { token } = await longLogin();
        const racers = Array.from({ length: 30 }, (_, index) => [gateway, otherGateway][index % 2]!.read(token));
        await Promise.all([...racers.slice(0, 15), gateway.revoke(token), ...racers.slice(15)]);
        const after = await Promise.all(
          Array.from({ length: 10 }, (_, index) => statusOf(token, [gateway, otherGateway][index % 2])),
        );
        expect(after).toEqual(Array.from({ length: 10 }, () => 'none'));
      });

      it('refuses a seeding that began before it, of a session that was not there', async () => {
        const at = { userId, tokenHash: 'e'.repeat(64) };
        const beforeEnd = await seedOf(backend.subject);
        await backend.other.end(at);
        expect(await backend.subject.seed(at, beforeEnd)).toEqual({ status: 'superseded' });
        const beforeEndAll = await seedOf(backend.subject);
        await backend.other.endAll(userId);
        expect(await backend.subject.seed(at, beforeEndAll)).toEqual({ status: 'superseded' });
        expect(await backend.subject.read(at)).toMatchObject({ status: 'missing' });
        expect(await backend.subject.seed(at, await seedOf(backend.subject))).toMatchObject({ status: 'seeded' });
      });

      it('refuses a seeding that began before the backend forgot', async () => {
        const at = { userId, tokenHash: 'f'.repeat(64) };
        const before = await seedOf(backend.subject);
        await backend.forget(userId);
        expect(await backend.subject.seed(at, before)).toEqual({ status: 'superseded' });
        await backend.other.prepare(userId);
        expect(await backend.subject.seed(at, before)).toEqual({ status: 'superseded' });
      });

      it('wants every entry of the user verified again once all were ended', async () => {
        const at = { userId, tokenHash: '0'.repeat(64) };
        const seed = await seedOf(backend.subject);
        await backend.subject.seed(at, seed);
        expect(await backend.other.read(at)).toMatchObject({ status: 'active', verifiedAtMs: seed.verifiedAtMs });
        await backend.other.endAll(userId);
        expect(await backend.subject.read(at)).toMatchObject({ status: 'active', verifiedAtMs: 0 });
      });

      it.each(['one', 'all'])('wins over a read that asked the record just before (%s)', async (what) => {
        const { token } = await longLogin();
        await backend.forget(userId);
        records.beforeAnswer = async () => {
          records.beforeAnswer = undefined;
          if (what === 'one') await otherGateway.revoke(token);
          else await otherGateway.revokeAll(userId);
        };
        expect(await statusOf(token)).toBe('none');
        expect(await statusOf(token, otherGateway)).toBe('none');
      });

      it('changes nothing when the record cannot be reached', async () => {
        const { token } = await longLogin();
        records.away = new Error('the record is away');
        await expect(gateway.revoke(token)).rejects.toBe(records.away);
        await expect(gateway.revokeAll(userId)).rejects.toBe(records.away);
        await expect(longLogin()).rejects.toBe(records.away);
        expect(await statusOf(token)).toBe('active');
      });
    });

    describe('a backend that forgets', () => {
      it('gets its sessions back from the record, each asked for once', async () => {
        const { token, session } = await longLogin();
        await backend.forget(userId);
        expect(await findsDuring(() => gateway.read(token))).toBe(1);
        const finds = await findsDuring(async () => {
          expect(await gateway.read(token)).toMatchObject({ status: 'active', session: { id: session.id } });
        });
        expect(finds).toBe(0);
        expect(await statusOf(token, otherGateway)).toBe('active');
      });

      it('does not get back what was revoked, before or after it forgot', async () => {
        const [{ token: first }, { token: second }] = [await longLogin(), await longLogin()];
        await gateway.revoke(first);
        await backend.forget(userId);
        await gateway.revoke(second);
        for (const token of [first, second]) {
          expect(await statusOf(token)).toBe('none');
          expect(await statusOf(token, otherGateway)).toBe('none');
        }
      });

      it('does not prolong the absolute limit', async () => {
        const { token } = await login(gateway, { idleMs: 60_000, absoluteMs: 500 });
        await backend.advance(200);
        await backend.forget(userId);
        expect(await statusOf(token)).toBe('active');
        await backend.advance(350);
        expect(await statusOf(token)).toBe('none');
      });
    });

    describe('a backend that is away', () => {
      it('lets the record answer, each call within its budget', async () => {
        const { token } = await longLogin();
        const speak = until(await backend.silence());
        const timed = async <T>(work: () => Promise<T>, calls: number): Promise<T> => {
          const beganMs = performance.now();
          const answer = await work();
          expect(performance.now() - beganMs).toBeLessThan(calls * backend.timeoutMs + 300);
          return answer;
        };
        expect(await timed(() => statusOf(token), 1)).toBe('active');
        const { token: another } = await timed(() => longLogin(), 1);
        expect(await timed(() => gateway.revoke(token), 1)).toBe('revoked');
        expect(await timed(() => statusOf(token), 0)).toBe('none');
        await timed(() => gateway.revokeAll(userId), 1);
        expect(await timed(() => statusOf(another), 1)).toBe('none');
        await speak();
      });

      it('leaves a budget that was given for the record', async () => {
        const { token } = await longLogin();
        const speak = until(await backend.silence());
        const beganMs = performance.now();
        expect(await gateway.read(token, { budgetMs: 200 })).toMatchObject({ status: 'active' });
        expect(performance.now() - beganMs).toBeLessThan(200);
        await speak();
      });

      it('does not check the idle limit, and holds the absolute one', async () => {
        const { token } = await login(gateway, { idleMs: 200, absoluteMs: 700 });
        const restore = until(await backend.sever());
        await backend.advance(300);
        expect(await statusOf(token)).toBe('active');
        await backend.advance(450);
        expect(await statusOf(token)).toBe('none');
        await restore();
      });

      it('is told later of what was revoked meanwhile', async () => {
        const { token } = await longLogin();
        const { token: second } = await longLogin();
        expect(await statusOf(token, otherGateway)).toBe('active');
        expect(await statusOf(second, otherGateway)).toBe('active');
        const restore = until(await backend.sever());
        expect(await gateway.revoke(token)).toBe('revoked');
        expect(await statusOf(token)).toBe('none');
        await restore();
        await eventually(async () => {
          await backend.advance(50);
          expect(await backend.other.read(keyOf(token))).toMatchObject({ status: 'ended' });
        }, SOON);
        expect(await statusOf(token, otherGateway)).toBe('none');
        expect(await statusOf(second, otherGateway)).toBe('active');
      });

      it('is told later that all of a user were revoked meanwhile', async () => {
        const { token } = await longLogin();
        expect(await statusOf(token, otherGateway)).toBe('active');
        const restore = until(await backend.sever());
        await gateway.revokeAll(userId);
        await restore();
        await eventually(async () => {
          await backend.advance(50);
          expect(await statusOf(token, otherGateway)).toBe('none');
        }, SOON);
      });

      it('is trusted again only for sessions that the record confirmed after it came back', async () => {
        const [{ token: revoked }, { token: kept }] = [await longLogin(), await longLogin()];
        expect(await findsDuring(() => gateway.read(kept))).toBe(0);
        const restore = until(await backend.sever());
        await gateway.read(kept);
        // By a gateway that could not reach the backend either, and died.
        await records.revoke(userId, keyOf(revoked).tokenHash);
        await backend.advance(20);
        await restore();
        await eventually(async () => {
          const reachable = await backend.subject.read(keyOf(kept));
          expect(reachable.status).toBe('active');
        }, SOON);
        const finds = await findsDuring(async () => {
          expect(await statusOf(revoked)).toBe('none');
          expect(await statusOf(kept)).toBe('active');
        });
        expect(finds).toBe(2);
        expect(await findsDuring(() => gateway.read(kept))).toBe(0);
        // What one gateway found out, all know.
        expect(await backend.other.read(keyOf(revoked))).toMatchObject({ status: 'ended' });
      });

      it('is not trusted by a gateway that has just started', async () => {
        const [{ token: revoked }, { token: kept }] = [await longLogin(), await longLogin()];
        await records.revoke(userId, keyOf(revoked).tokenHash);
        await backend.advance(20);
        const started = storeOn(backend.other);
        expect(await statusOf(revoked, started)).toBe('none');
        const finds = await findsDuring(async () => {
          expect(await statusOf(kept, started)).toBe('active');
          expect(await statusOf(kept, started)).toBe('active');
        });
        expect(finds).toBe(1);
      });

      it('lets nobody in that neither it nor the record can confirm', async () => {
        const { token } = await longLogin();
        records.away = new Error('the record is away');
        expect(await statusOf(token)).toBe('active');
        const restore = until(await backend.sever());
        await expect(gateway.read(token)).rejects.toBe(records.away);
        await restore();
      });

      it('keeps a login whose reply was lost', async () => {
        await gateway.read(`${userId}.${'A'.repeat(43)}`);
        await backend.cutNextReply();
        const { token } = await longLogin();
        expect(await statusOf(token)).toBe('active');
        expect(await statusOf(token, otherGateway)).toBe('active');
      });

      it.each(['revoke', 'revokeAll'] as const)('keeps a revocation whose reply was lost (%s)', async (method) => {
        const { token } = await longLogin();
        expect(await statusOf(token, otherGateway)).toBe('active');
        await backend.cutNextReply();
        if (method === 'revoke') expect(await gateway.revoke(token)).toBe('revoked');
        else await gateway.revokeAll(userId);
        expect(await statusOf(token)).toBe('none');
        expect(await statusOf(token, otherGateway)).toBe('none');
      });

      it('answers a read whose reply was lost', async () => {
        const { token } = await longLogin();
        await backend.cutNextReply();
        expect(await statusOf(token)).toBe('active');
      });

      it('refuses calls once it is closed', async () => {
        const { token } = await longLogin();
        await backend.closeSubject();
        await expect(gateway.read(token)).rejects.toMatchObject({ code: 'CLOSED' });
        await expect(longLogin()).rejects.toMatchObject({ code: 'CLOSED' });
      });
    });

    describe('a backend that is full', () => {
      it('goes on extending and revoking, and leaves new logins to the record', async () => {
        const { token, session } = await login();
        const { token: second } = await longLogin();
        const drain = until(await backend.fill());
        await expect(backend.subject.prepare(userId)).rejects.toMatchObject({ code: 'FULL', effect: 'none' });
        await backend.advance(IDLE_MS / 2);
        const read = await gateway.read(token);
        expect(read.status).toBe('active');
        if (read.status === 'active') expect(read.session.idleExpiresAt).toBeGreaterThan(session.idleExpiresAt);
        expect(await gateway.revoke(token)).toBe('revoked');
        expect(await backend.subject.read(keyOf(token))).toMatchObject({ status: 'ended' });
        const { token: third } = await longLogin();
        expect(await statusOf(third)).toBe('active');
        await gateway.revokeAll(userId);
        expect(await backend.subject.read(keyOf(second))).toMatchObject({ status: 'active', verifiedAtMs: 0 });
        for (const each of [token, second, third]) expect(await statusOf(each)).toBe('none');
        await drain();
        const { token: fourth } = await longLogin();
        expect(await findsDuring(() => gateway.read(fourth))).toBe(0);
      });
    });
  });
}
