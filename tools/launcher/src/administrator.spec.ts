import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { administratorOf } from './administrator.js';

describe('administratorOf', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redstart-administrator-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes an administrator once and keeps it for its owner alone', () => {
    const file = join(folder, 'data/admin.json');
    const made = administratorOf(file);
    expect(made.email).toContain('@');
    expect(made.password.length).toBeGreaterThanOrEqual(20);
    expect(administratorOf(file)).toEqual(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('closes a file that others could read', () => {
    const file = join(folder, 'admin.json');
    writeFileSync(file, JSON.stringify({ email: 'a@b.example', password: 'secret' }), { mode: 0o644 });
    expect(administratorOf(file)).toEqual({ email: 'a@b.example', password: 'secret' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('says which file lacks what', () => {
    const file = join(folder, 'admin.json');
    writeFileSync(file, '{}');
    expect(() => administratorOf(file)).toThrow(/admin\.json lacks/);
  });
});
