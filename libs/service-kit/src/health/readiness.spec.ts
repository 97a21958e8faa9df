import { describe, expect, it } from '@jest/globals';
import { Readiness } from './readiness.js';

describe('readiness', () => {
  it('stays ready, but degraded, when a port is away', async () => {
    const readiness = new Readiness();
    readiness.add('postgres', async () => 'up');
    readiness.add('redis', async () => ({ degraded: ['stream', 'cache'] }));
    expect(await readiness.report()).toEqual({ status: 'degraded', degraded: ['cache', 'stream'], down: [] });
  });

  it('is down when what it cannot do without is down, or its check throws', async () => {
    const readiness = new Readiness();
    readiness.add('postgres', () => Promise.reject(new Error('refused')));
    expect(await readiness.report()).toEqual({ status: 'down', degraded: [], down: ['postgres'] });
  });
});
