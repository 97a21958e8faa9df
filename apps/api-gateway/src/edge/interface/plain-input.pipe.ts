import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { malformed } from './refusals.js';

/** More than any body here needs; what validates it takes time, and stack, by the number of values. */
const MAX_DEPTH = 8;
const MAX_VALUES = 10_000;
const MAX_ITEMS = 1000;
const MAX_FIELDS = 100;

/**
 * Refuses, before anything is made of it, input that no rule of a DTO should have to think of: values without end, and
 * text that PostgreSQL cannot hold or that would come back changed (NUL, half a surrogate pair).
 */
export class PlainInputPipe implements PipeTransform {
  transform(value: unknown, { type, data }: ArgumentMetadata): unknown {
    if (type === 'custom') return value;
    if (type === 'body' && value !== undefined && !isRecord(value)) throw malformed('the body must be a JSON object');
    const problem = firstProblem(value, data ?? '');
    if (problem) throw malformed('the request is malformed; see errors', [problem]);
    return value;
  }
}

/** Looks at every value, without recursion: what comes in may be nested deeper than the stack is. */
function firstProblem(root: unknown, name: string): { field: string; message: string } | undefined {
  const open: { value: unknown; field: string; depth: number }[] = [{ value: root, field: name, depth: 0 }];
  for (let seen = 0; open.length > 0; seen += 1) {
    const { value, field, depth } = open.pop()!;
    const message = seen >= MAX_VALUES ? `there must be at most ${MAX_VALUES} values` : problemOf(value, depth);
    if (message) return { field, message };
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value).reverse()) {
      if (!isPlainText(key)) return { field, message: 'a name of a field must be plain Unicode text' };
      // What transforms the input passes over these in silence.
      if (key in Object.prototype) return { field: key, message: `property ${key} should not exist` };
      open.push({ value: inner, field: field ? `${field}.${key}` : key, depth: depth + 1 });
    }
  }
  return undefined;
}

function problemOf(value: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return `values must be nested at most ${MAX_DEPTH} deep`;
  if (typeof value === 'string') return isPlainText(value) ? undefined : 'must be Unicode text without NUL';
  if (Array.isArray(value)) return value.length > MAX_ITEMS ? `must hold at most ${MAX_ITEMS} items` : undefined;
  if (isRecord(value) && Object.keys(value).length > MAX_FIELDS) return `must have at most ${MAX_FIELDS} fields`;
  return undefined;
}

const isPlainText = (text: string) => !text.includes('\0') && !/\p{Surrogate}/u.test(text);

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
