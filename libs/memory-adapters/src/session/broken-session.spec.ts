import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the session suite refuses an adapter whose extension revives what was revoked', async () => {
  await proveSuiteFails(new URL('./broken-session.fixture.ts', import.meta.url), [
    'ends one session on every gateway, and none of the others',
    'is not undone by an extension',
    'holds against any number of requests that use the session at the same time',
    'is told later of what was revoked meanwhile',
    'is trusted again only for sessions that the record confirmed after it came back',
    'keeps a revocation whose reply was lost (revoke)',
    'goes on extending and revoking, and leaves new logins to the record',
  ]);
}, 60_000);
