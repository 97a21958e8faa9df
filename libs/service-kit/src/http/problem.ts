import { STATUS_CODES } from 'node:http';

/** A problem document. Source: RFC 9457. `code` is stable and in capitals; `instance` is the request's id. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance?: string;
  errors?: { field: string; message: string }[];
}

export function problem(parts: {
  status: number;
  code: string;
  detail: string;
  instance?: string;
  errors?: { field: string; message: string }[];
}): Problem {
  return { type: 'about:blank', title: STATUS_CODES[parts.status] ?? 'Error', ...parts };
}
