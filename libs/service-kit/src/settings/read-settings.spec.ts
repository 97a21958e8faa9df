import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { commonSettings } from './common-settings.js';
import { readSettings } from './read-settings.js';

const schema = z.object({
  ...commonSettings({ port: 3010 }),
  ADMIN_PASSWORD: z.string('choose one').min(8, 'at least 8'),
});
const folder = mkdtempSync(join(tmpdir(), 'settings-'));

describe('settings', () => {
  it('come from the environment, with defaults', () => {
    const settings = readSettings(schema, { REDIS_URL: 'memory:', ADMIN_PASSWORD: 'long enough', PORT: '4000' });
    expect(settings).toMatchObject({ REDIS_URL: 'memory:', PORT: 4000, HOST: '127.0.0.1', LOG_LEVEL: 'info' });
  });

  it('are read from the file that NAME_FILE names', () => {
    const file = join(folder, 'password');
    writeFileSync(file, 'from a file\n');
    expect(readSettings(schema, { REDIS_URL: 'memory:', ADMIN_PASSWORD_FILE: file }).ADMIN_PASSWORD).toBe(
      'from a file',
    );
  });

  it('that are missing or wrong are all named at once, with what to set', () => {
    const read = () =>
      readSettings(schema, { PORT: '99999', LOG_LEVEL: 'loud', ADMIN_PASSWORD_FILE: join(folder, 'none') });
    expect(read).toThrow(/PORT: /);
    expect(read).toThrow(/LOG_LEVEL: /);
    expect(read).toThrow(/REDIS_URL is missing: set redis:\/\/host:6379, or memory:/);
    expect(read).toThrow(/ADMIN_PASSWORD_FILE: cannot read .*ENOENT/);
  });

  it('count an empty variable as unset', () => {
    expect(() => readSettings(schema, { REDIS_URL: '', ADMIN_PASSWORD: 'long enough' })).toThrow(
      /REDIS_URL is missing/,
    );
  });
});
