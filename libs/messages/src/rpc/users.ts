import { rpc } from './rpc.js';

export interface User {
  id: string;
  email: string;
  name: string;
  role: 'customer' | 'admin';
}

/** Refusals: `EMAIL_TAKEN` 409, `USER_NOT_FOUND` 404, `INVALID_CREDENTIALS` 401. */
export const usersRpc = {
  create: rpc<{ email: string; password: string; name: string }, User>().as('users.create'),
  get: rpc<{ id: string }, User>().as('users.get'),
  findByEmail: rpc<{ email: string }, User[]>().as('users.find-by-email'),
  update: rpc<{ id: string; name?: string; email?: string; password?: string }, User>().as('users.update'),
  authenticate: rpc<{ email: string; password: string }, User>().as('users.authenticate'),
};
