import { ServerTCP, type TcpSocket } from '@nestjs/microservices';
import type { RpcProblem } from '@redstart/messages';
import { throwError } from 'rxjs';
import { stopping, unknownRpc } from './edge-problems.js';
import { internalProblem } from './fault-problem.js';

interface RpcPacket {
  id?: unknown;
  pattern?: unknown;
}

/** For answers that are written already, but not yet on their way. */
const FLUSH_MS = 1000;

/**
 * Nest's TCP server, which at its end cuts every connection at once, ending in order: what is under way is answered,
 * what comes later is refused with nothing done, so that the caller may ask another address.
 */
export class RpcServer extends ServerTCP {
  private underWay = 0;
  private drained: (() => void) | undefined;
  private ending = false;

  constructor(private readonly parts: { host: string; port: number; drainMs: number }) {
    super(parts);
  }

  override async handleMessage(socket: TcpSocket, message: unknown): Promise<unknown> {
    const { id, pattern } = (message ?? {}) as RpcPacket;
    // A packet without an id is an event of Nest's: nothing here sends any.
    if (typeof id !== 'string' || pattern === undefined) return;
    if (this.ending) return refuse(socket, id, stopping());
    if (!this.getHandlerByPattern(this.getPatternAsString(pattern))) return refuse(socket, id, unknownRpc());
    return super.handleMessage(socket, message);
  }

  override handleRequest(...[context, produce, respond]: Parameters<ServerTCP['handleRequest']>): void {
    this.underWay += 1;
    // A handler that cannot even begin is answered like one that failed.
    const produced = () => produce().catch(() => throwError(internalProblem));
    return super.handleRequest(context, produced, (packet) => {
      try {
        return respond(packet);
      } finally {
        if (packet.isDisposed) this.settled();
      }
    });
  }

  /** Resolves when all is answered, or after `drainMs`. */
  override async close(): Promise<void> {
    if (this.ending) return;
    this.ending = true;
    const all = new Promise<void>((resolve) => (this.drained = resolve));
    if (this.underWay > 0) await within(this.parts.drainMs, all);
    const gone = [...this.openSockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.openSockets) socket.destroySoon();
    await within(FLUSH_MS, Promise.all(gone));
    super.close();
  }

  private settled(): void {
    this.underWay -= 1;
    if (this.underWay === 0) this.drained?.();
  }
}

function refuse(socket: TcpSocket, id: string, problem: RpcProblem): void {
  socket.sendMessage({ id, status: 'error', err: problem, isDisposed: true } as never);
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
