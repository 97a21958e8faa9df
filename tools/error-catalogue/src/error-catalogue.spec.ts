import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

// docs/errors.md and the code name the same errors. Looked for in the text: a class nobody constructs still counts.

const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const catalogue = readFileSync(`${workspace}/docs/errors.md`, 'utf8');
const sources = globSync('{libs,apps,tools}/*/src/**/*.ts', { cwd: workspace })
  .filter((path) => !/\.(spec|fixture|contract|script)\.ts$/.test(path))
  .map((path) => ({ path, text: readFileSync(`${workspace}/${path}`, 'utf8') }));

/** `CODE ClassName` of each error class with a code of its own. */
function classesIn(text: string): string[] {
  return text.split(/^(?=export (?:abstract )?class |class )/m).flatMap((part) => {
    const name = /^(?:export )?(?:abstract )?class (\w+)/.exec(part)?.[1];
    const code = /readonly code(?:: [^=]+)? = '([A-Z][A-Z_]*)'/.exec(part)?.[1];
    return name && code ? [`${code} ${name}`] : [];
  });
}

/** Codes of problem documents: `code: 'LIMITED'`, `409: 'CONFLICT'` in a table by status, and unions named `…Code`. */
function problemsIn({ path, text }: { path: string; text: string }): string[] {
  if (!/^(apps|libs\/service-kit)\//.test(path)) return [];
  const literals = [...text.matchAll(/(?:\bcode: |^\s*[45]\d\d: )'([A-Z][A-Z_]+)'/gm)].map(([, code]) => code!);
  const unions = [...text.matchAll(/^export type \w+Code =([^;]+);/gm)].flatMap(([, union]) =>
    [...union!.matchAll(/'([A-Z][A-Z_]+)'/g)].map(([, code]) => code!),
  );
  return [...literals, ...unions];
}

/** Rows of the table under a heading: the code and what stands in the next column. */
function rowsUnder(heading: string): { code: string; next: string }[] {
  const section = catalogue.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([A-Z_]+)` +\| ([^|]*?) +\|/gm)].map(([, code, next]) => ({
    code: code!,
    next: next!.replaceAll('`', ''),
  }));
}

const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

describe('the error catalogue', () => {
  it('names every error class and its code, and none that is gone', () => {
    const inDocs = rowsUnder('Errors in the process').map(({ code, next }) => `${code} ${next}`);
    const inCode = sources.flatMap(({ text }) => classesIn(text));
    expect(inCode.length).toBeGreaterThan(10);
    expect(sorted(inDocs)).toEqual(sorted(inCode));
  });

  it('names every code of a problem document, and none that is gone', () => {
    const inDocs = rowsUnder('Problems over HTTP').map(({ code }) => code);
    const inCode = sources.flatMap(problemsIn);
    expect(inCode.length).toBeGreaterThan(5);
    expect(sorted(inDocs)).toEqual(sorted(inCode));
  });

  it('names none twice', () => {
    for (const heading of ['Errors in the process', 'Problems over HTTP']) {
      const codes = rowsUnder(heading).map(({ code }) => code);
      expect(codes).toEqual([...new Set(codes)]);
    }
  });
});
