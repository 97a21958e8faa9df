import { type ChainableCommander, type Redis } from 'ioredis';
import { assertOneSlot } from '../keys/one-slot.js';
import {
  type Script,
  type ScriptArgument,
  type ScriptArguments,
  type ScriptKeys,
  scriptOperands,
} from '../script/script.js';
import { faultOf, isNoScript, isReplyError } from './reply-fault.js';

/** What is gathered for one write. Made by `RedisConnection.pipeline`. */
export class RedisPipeline {
  private readonly commands: ChainableCommander;
  private readonly again = new Map<number, readonly [source: string, ...operands: ScriptArgument[]]>();
  private readonly sent = new Set<string>();
  private count = 0;

  constructor(
    private readonly redis: Redis,
    private readonly operation: string,
    private readonly address: string,
  ) {
    this.commands = redis.pipeline();
  }

  command(name: string, ...args: ScriptArgument[]): this {
    this.commands.call(name, ...args);
    this.count += 1;
    return this;
  }

  /** `command`, with strings in its reply as Buffers. */
  commandBuffer(name: string, ...args: ScriptArgument[]): this {
    this.commands.callBuffer(name, ...args);
    this.count += 1;
    return this;
  }

  /**
   * The first use of a script in a pipeline carries its text, later ones its hash: commands run in the order given
   * whether or not the server knew the script. (Should the server forget it between two of one write, the later one
   * runs after the others.)
   */
  run<K extends ScriptKeys, A extends ScriptArguments>(script: Script<K, A>, keys: K, args: A): this {
    const operands = scriptOperands(script, keys, args);
    assertOneSlot(script.name, operands.slice(1, operands[0] + 1));
    if (this.sent.has(script.sha1)) {
      this.again.set(this.count, [script.source, ...operands]);
      return this.command('evalsha', script.sha1, ...operands);
    }
    this.sent.add(script.sha1);
    return this.command('eval', script.source, ...operands);
  }

  /** `wanted`: the caller still waits; a script that was forgotten is run again only then. */
  async exec(wanted: () => boolean): Promise<readonly unknown[]> {
    const replies = (await this.commands.exec()) ?? [];
    // Cut before the last reply: the first ones may be there, but the caller is told once.
    const cut = replies.find(([error]) => error !== null && !isReplyError(error));
    if (cut) throw cut[0];
    return Promise.all(
      replies.map(([error, value], index) => {
        if (error === null) return value;
        const forgotten = isNoScript(error) && wanted() ? this.again.get(index) : undefined;
        const fault = (reason: unknown) => faultOf(reason, this.operation, this.address);
        return forgotten ? this.redis.call('eval', ...forgotten).catch(fault) : fault(error);
      }),
    );
  }
}
