import type { Call } from '../call/call.js';

/** What an adapter stores for a `SessionStore`; see `driven-session-store.ts` for the logic above. */
export abstract class SessionDriver {
  abstract close(call?: Call): Promise<void>;
}
