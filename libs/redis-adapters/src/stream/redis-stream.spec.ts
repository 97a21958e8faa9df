import { afterAll, beforeAll } from '@jest/globals';
import { DrivenEventStream } from '@redstart/ports';
import { describeStreamContract } from '@redstart/ports/contracts';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { RedisStreamDriver } from './redis-stream-driver.js';

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeStreamContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    const subject = new DrivenEventStream(new RedisStreamDriver(connections[0]), redisTestSettings);
    const other = new DrivenEventStream(new RedisStreamDriver(connections[1]), redisTestSettings);
    return {
      subject,
      other,
      ...redis.troubles,
      sever: () => redis.sever(),
      async loseData(stream) {
        // Its own keys only. In one step, as FLUSHALL is one.
        const pattern = `*${stream.name.slice(-36)}*`;
        await connections[1].command({ operation: 'test.lose' }, (client) =>
          client.eval(
            "local keys = redis.call('KEYS', ARGV[1]) if #keys > 0 then redis.call('DEL', unpack(keys)) end",
            0,
            pattern,
          ),
        );
      },
      closeSubject: () => subject.close(),
      async close() {
        await Promise.all([subject.close(), other.close()]);
        await redis.close(connections);
      },
    };
  },
});
