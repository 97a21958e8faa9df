import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonToInstall } from './install.mjs';
import { isNewEnough } from './node-from-npm.mjs';

describe('reasonToInstall', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redstart-install-'));
    mkdirSync(join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const one = { version: '1.0.0', integrity: 'sha512-one' };
  const write = (file: string, packages: object) => writeFileSync(join(folder, file), JSON.stringify({ packages }));
  const lock = (packages: object) => write('package-lock.json', packages);
  const installed = (packages: object) => write('node_modules/.package-lock.json', packages);

  it('has none when all that the lock file asks for is there', () => {
    lock({ '': {}, 'libs/ports': { version: '0.1.0' }, 'node_modules/one': one });
    installed({ 'node_modules/one': one });
    expect(reasonToInstall(folder)).toBeUndefined();
  });

  it('has one when nothing is there, or an install was cut short', () => {
    lock({ 'node_modules/one': one });
    expect(reasonToInstall(folder)).toMatch(/No packages/);
  });

  it.each([
    ['another version', { ...one, version: '1.0.1' }],
    ['another content', { ...one, integrity: 'sha512-other' }],
  ])('has one when the lock file asks for %s', (_, wanted) => {
    lock({ 'node_modules/one': wanted });
    installed({ 'node_modules/one': one });
    expect(reasonToInstall(folder)).toMatch(/has changed/);
  });

  it('has one when a package was added, unless it is for another system', () => {
    installed({ 'node_modules/one': one });
    lock({ 'node_modules/one': one, 'node_modules/two': { version: '1.0.0', optional: true } });
    expect(reasonToInstall(folder)).toBeUndefined();
    lock({ 'node_modules/one': one, 'node_modules/two': { version: '1.0.0' } });
    expect(reasonToInstall(folder)).toMatch(/has changed/);
  });
});

describe('isNewEnough', () => {
  it.each([
    ['v20.20.2', false],
    ['v24.8.0', false],
    ['v24.9.0', true],
    ['v26.0.0', true],
  ])('%s: %s', (version, expected) => expect(isNewEnough(version)).toBe(expected));
});
