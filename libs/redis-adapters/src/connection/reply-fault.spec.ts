import { describe, expect, it } from '@jest/globals';
import { ReplyError } from 'ioredis';
import { faultOf } from './reply-fault.js';

const of = (error: Error) => faultOf(error, 'lock.acquire', '127.0.0.1:6379');

describe('faultOf', () => {
  it.each([
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica. script: 0a, on @user_script:1.",
    'CLUSTERDOWN The cluster is down',
    'MASTERDOWN Link with MASTER is down',
    'MISCONF Redis is configured to save RDB snapshots',
    'NOAUTH Authentication required.',
    'BUSY Redis is busy running a script.',
  ])('knows that nothing was done: %s', (message) => {
    expect(of(new ReplyError(message))).toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
  });

  it.each([
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
  ])('knows a full server: %s', (message) => {
    expect(of(new ReplyError(message))).toMatchObject({ code: 'FULL', effect: 'none' });
  });

  it('makes no promise about an error that a script ran into', () => {
    const fault = of(new ReplyError('ERR Lua redis lib command arguments must be strings or integers script: 0a'));
    expect(fault).toMatchObject({ code: 'REFUSED', effect: 'unknown', operation: 'lock.acquire' });
    expect(fault.message).toContain('Lua redis lib command arguments');
  });

  it('knows a command that was never written', () => {
    const error = new Error("Stream isn't writeable and enableOfflineQueue options is false");
    expect(of(error)).toMatchObject({ code: 'UNAVAILABLE', effect: 'none', cause: error });
  });

  it('says unknown of everything else', () => {
    expect(of(new Error('Connection is closed.'))).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' });
  });
});
