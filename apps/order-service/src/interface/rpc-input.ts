import { MalformedRequestError } from '@redstart/service-kit';
import { z } from 'zod';

/** PostgreSQL keeps every character but U+0000; half a surrogate pair is none. */
const isKeepable = (text: string) => !/\p{Surrogate}/u.test(text) && !text.includes('\0');

export const text = (max: number) =>
  z.string().min(1).max(max).refine(isKeepable, 'must not contain U+0000 or half a surrogate pair');

export const asker = z.object({ userId: z.uuid(), role: z.enum(['customer', 'admin']) });

export const pageLimit = z.int().min(1).max(100);

/** A cursor names the last item of a page; what it is made of is nobody's business. */
export const toCursor = (key: string): string => Buffer.from(key, 'utf8').toString('base64url');

/** @throws MalformedRequestError when it is not one of ours */
export function fromCursor<Schema extends z.ZodType<string>>(schema: Schema, cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const parsed = schema.safeParse(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (parsed.success) return parsed.data;
  throw new MalformedRequestError([{ field: 'cursor', message: 'is not a cursor that this list gave' }]);
}
