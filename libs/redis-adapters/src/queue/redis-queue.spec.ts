import { afterAll, beforeAll } from '@jest/globals';
import { DrivenTaskQueue } from '@redstart/ports';
import { describeQueueContract } from '@redstart/ports/contracts';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { RedisQueueDriver } from './redis-queue-driver.js';

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeQueueContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    const subjectDriver = new RedisQueueDriver(connections[0], redisTestSettings);
    const driver = new RedisQueueDriver(connections[1], redisTestSettings);
    const subject = new DrivenTaskQueue(subjectDriver, redisTestSettings);
    const other = new DrivenTaskQueue(driver, redisTestSettings);
    const closeSubject = async () => {
      subject.close();
      await connections[0].close();
    };
    return {
      subject,
      other,
      subjectDriver,
      driver,
      ...redis.troubles,
      silence: () => redis.silenceSubject(),
      closeSubject,
      async close() {
        await closeSubject();
        other.close();
        await redis.close(connections);
      },
    };
  },
});
