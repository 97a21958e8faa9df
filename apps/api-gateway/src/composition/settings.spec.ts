import { describe, expect, it } from '@jest/globals';
import { readSettings } from '@redstart/service-kit';
import { settingsSchema } from './settings.js';

describe('the settings of the gateway', () => {
  const read = (env: Record<string, string>) => readSettings(settingsSchema, { REDIS_URL: 'memory:', ...env });

  it.each(['on', 'off', '10.0.0.1', '10.0.0.0/8,fd00::/8', '::1'])('take %s for proxies', (TRUST_PROXY) => {
    expect(read({ TRUST_PROXY })).toMatchObject({ TRUST_PROXY });
  });

  it.each(['yes', '10.0.0.0/33', 'proxy.internal', '10.0.0.1,', '10.0.0.1/8/8'])(
    'refuse %s for proxies',
    (TRUST_PROXY) => {
      expect(() => read({ TRUST_PROXY })).toThrow(/TRUST_PROXY: give off, on, or addresses/);
    },
  );

  it.each(['tcp://[::1]:3011', 'tcp://a:1,tcp://b:2'])('take the addresses %s', (ORDER_SERVICE_URL) => {
    expect(read({ ORDER_SERVICE_URL })).toMatchObject({ ORDER_SERVICE_URL });
  });

  it.each(['http://a:1', 'tcp://a', 'tcp://a:99999', 'tcp://a:0', 'tcp://a:1,', 'tcp://a/b:1'])(
    'refuse the addresses %s',
    (ORDER_SERVICE_URL) => {
      expect(() => read({ ORDER_SERVICE_URL })).toThrow(/ORDER_SERVICE_URL: give tcp:/);
    },
  );
});
