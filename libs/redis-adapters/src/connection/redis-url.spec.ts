import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from './redis-url.js';

describe('parseRedisUrl', () => {
  it('reads host, port, user, password and database', () => {
    expect(parseRedisUrl('redis://app:p%40ss@redis.internal:7000/3')).toEqual({
      kind: 'node',
      host: 'redis.internal',
      port: 7000,
      options: { host: 'redis.internal', port: 7000, username: 'app', password: 'p@ss', db: 3 },
    });
  });

  it('takes the usual port and database 0', () => {
    expect(parseRedisUrl('redis://localhost')).toMatchObject({ port: 6379, options: { db: 0 } });
    expect(parseRedisUrl('redis://[::1]:7000/')).toMatchObject({ host: '::1', options: { host: '::1', db: 0 } });
  });

  it.each([
    ['rediss://host', 'rediss:// is not supported yet'],
    ['redis-cluster://a:7000,b:7001', 'not a URL'],
    ['redis-sentinel://host:26379/mymaster', 'redis-sentinel:// is not supported yet'],
    ['redis://host/orders', '"orders" is not the number of a database'],
    ['redis://host?protocol=2', 'no options are taken'],
    ['redis://:secret@', 'not a URL'],
    ['', 'not a URL'],
  ])('refuses %s in one line that says what is supported', (url, reason) => {
    const refused = () => parseRedisUrl(url);
    expect(refused).toThrow(reason);
    expect(refused).toThrow(
      /^REDIS_URL: [^\n]*; supported is redis:\/\/\[user:password@\]host\[:port\]\[\/database\]$/,
    );
    expect(refused).not.toThrow('secret');
  });

  it('names the setting that is wrong', () => {
    expect(() => parseRedisUrl('nowhere', 'CACHE_REDIS_URL')).toThrow(/^CACHE_REDIS_URL: not a URL/);
  });
});
