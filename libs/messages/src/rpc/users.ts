import { rpc, type CacheAnswerName } from './rpc.js';

export interface User {
  id: string;
  email: string;
  name: string;
  role: 'customer' | 'admin';
}

/** Refusals: `EMAIL_TAKEN` 409, `USER_NOT_FOUND` 404, `INVALID_CREDENTIALS` 401. */
export const usersRpc = {
  create: rpc<{ email: string; password: string; name: string }, User>().as('users.create'),
  /** `from`: how the cache answered. */
  get: rpc<{ id: string }, { user: User; from: CacheAnswerName }>().as('users.get'),
  findByEmail: rpc<{ email: string }, User[]>().as('users.find-by-email'),
  update: rpc<{ id: string; name?: string; email?: string; password?: string }, User>().as('users.update'),
  authenticate: rpc<{ email: string; password: string }, User>().as('users.authenticate'),
};
