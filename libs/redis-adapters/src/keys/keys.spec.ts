import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

// Every key of every port: each `<port>/keys.ts` exports functions of strings and numbers that answer a key, or an
// object of the keys (and channels) that one script may touch together.

type KeyBuilder = (...args: string[]) => string | Record<string, string>;

const root = fileURLToPath(new URL('..', import.meta.url));
const SHAPE = /^rs:([a-z]+):\{((?:[^{}:%]|%[0-9A-F]{2})+)\}(?::(?:[^{}:%]|%[0-9A-F]{2})+)+$/;
const HOSTILE = ['order', 'a}b', 'a{b', 'a:b', 'a%3Ab', '{}', ':', 'a%7Db', 'naïve ✓'];

const files = globSync('*/keys.ts', { cwd: root }).sort();
const collected = (
  await Promise.all(
    files.map(async (file) => {
      const exported = (await import(`${root}${file}`)) as Record<string, unknown>;
      const text = readFileSync(`${root}${file}`, 'utf8');
      return Object.entries(exported)
        .filter((entry): entry is [string, KeyBuilder] => typeof entry[1] === 'function')
        .map(([name, build]) => ({ port: dirname(file), name, build, text }));
    }),
  )
).flat();

const keysOf = (built: string | Record<string, string>): [name: string, key: string][] =>
  typeof built === 'string' ? [['', built]] : Object.entries(built);

/** What stands in the comment above a declaration of `name`. */
function commentAbove(text: string, name: string): string {
  const declared = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*(?:export function ${name}\\b|${name}: string)`);
  return declared.exec(text)?.[1] ?? '';
}

it('finds the keys of every port that has scripts', () => {
  const withScripts = new Set(globSync('*/*.lua', { cwd: root }).map((file) => dirname(file)));
  expect(files.map((file) => dirname(file))).toEqual(expect.arrayContaining([...withScripts]));
  expect(collected.length).toBeGreaterThanOrEqual(files.length);
});

it('finds no key outside of keys.ts', () => {
  const elsewhere = globSync('**/*.{ts,lua}', { cwd: root }).filter(
    (file) => dirname(file) !== 'keys' && basename(file) !== 'keys.ts' && !/\.(spec|fixture|script)\.ts$/.test(file),
  );
  // In code: a comment may speak of one.
  const guilty = elsewhere.filter((file) =>
    /^(?!\s*(\*|\/\/|--|\/\*)).*['"`]rs:/m.test(readFileSync(root + file, 'utf8')),
  );
  expect(guilty).toEqual([]);
});

describe.each(collected)('$port: $name', ({ port, name, build, text }) => {
  const args = (value: string): string[] => Array.from({ length: build.length }, () => value);

  it.each(HOSTILE)('has the shape of a key for %s', (value) => {
    for (const [, key] of keysOf(build(...args(value)))) {
      expect(key).toMatch(SHAPE);
      expect(SHAPE.exec(key)?.[1]).toBe(port);
    }
  });

  it('puts what belongs together into one slot', () => {
    const tags = keysOf(build(...args('a:b'))).map(([, key]) => SHAPE.exec(key)?.[2]);
    expect(new Set(tags).size).toBe(1);
  });

  it('gives different names different keys, and one name one key', () => {
    const seen = new Map<string, string>();
    for (const value of HOSTILE) {
      for (const [, key] of keysOf(build(...args(value)))) {
        expect(seen.get(key)).toBeUndefined();
        seen.set(key, value);
      }
      expect(build(...args(value))).toEqual(build(...args(value)));
    }
  });

  it('refuses an empty name', () => {
    if (build.length > 0) expect(() => build(...args(''))).toThrow(RangeError);
  });

  it('says the type and the TTL or bound of each, and who owns it', () => {
    for (const [part] of keysOf(build(...args('order')))) {
      const comment = commentAbove(text, part || name);
      expect([part || name, comment]).toEqual([
        part || name,
        expect.stringMatching(/STRING|HASH|LIST|SET|ZSET|STREAM|[Cc]hannel/),
      ]);
      if (!/[Cc]hannel/.test(comment))
        expect([part || name, comment]).toEqual([part || name, expect.stringMatching(/TTL|[Bb]ound/)]);
    }
    expect(text).toMatch(/Owner/);
  });
});
