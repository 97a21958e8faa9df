/** Ctrl-C reaches every process of the terminal, and npm passes it on as well: within this time it is the same one. */
const sameSignalMs = 500;

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP and `insist` at a second one. When the launcher above is gone
 * without a word, this process goes as well, and by that all that it supervises.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void, insist: () => void): void {
  let stoppedAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stoppedAt === undefined) {
        stoppedAt = Date.now();
        stop(signal);
      } else if (Date.now() - stoppedAt > sameSignalMs) {
        insist();
      }
    });
  }
  if (process.channel) {
    process.channel.unref();
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  }
}
