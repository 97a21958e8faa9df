import { Presets, SingleBar } from 'cli-progress';

/** A bar on a terminal, a line now and then elsewhere; on standard error, so that the summary can be piped. */
export function progressBar(): { show(step: string, done: number, of: number): void; stop(): void } {
  let bar: SingleBar | undefined;
  let current = '';
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    show(step, done, of) {
      if (step !== current) {
        stop();
        current = step;
        bar = new SingleBar(
          {
            format: `${step.padEnd(10)} [{bar}] {value}/{total} {eta_formatted}`,
            noTTYOutput: true,
            notTTYSchedule: 5000,
            stream: process.stderr,
            hideCursor: true,
          },
          Presets.shades_classic,
        );
        bar.start(of, 0);
      }
      bar?.update(done);
    },
    stop,
  };
}
