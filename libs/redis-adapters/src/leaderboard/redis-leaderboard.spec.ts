import { afterAll, beforeAll } from '@jest/globals';
import { describeLeaderboardContract } from '@redstart/ports/contracts';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { RedisLeaderboard } from './redis-leaderboard.js';

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeLeaderboardContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    return {
      subject: new RedisLeaderboard(connections[0], redisTestSettings),
      other: new RedisLeaderboard(connections[1], redisTestSettings),
      ...redis.troubles,
      closeSubject: () => connections[0].close(),
      close: () => redis.close(connections),
    };
  },
});
