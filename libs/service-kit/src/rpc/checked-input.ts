import type { z } from 'zod';

/** A request that is not of the agreed form. `errors`: by field. */
export class MalformedRequestError extends Error {
  readonly code = 'MALFORMED';
  constructor(readonly errors: { field: string; message: string }[]) {
    super('the request is not of the agreed form');
    this.name = 'MalformedRequestError';
  }
}

/** What came over the wire, checked. @throws MalformedRequestError */
export function checked<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new MalformedRequestError(parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })));
}
