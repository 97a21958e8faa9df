import type { Result } from './replay.js';

/** One `name: number` a line, as docs/replay.md lists them. */
export function summary(result: Result): string {
  const { seconds, placed } = result;
  const figures: [string, number][] = [
    ['invoices', result.invoices],
    ['placed', placed],
    ['cancelled', result.cancelled],
    ['unmatched', result.unmatched],
    ['empty', result.empty],
    ['left out', result.leftOut],
    ['failed', result.failures.length],
    ['delivered', result.delivered],
    ['seconds', Number(seconds.toFixed(1))],
    ['orders per second', seconds > 0 ? Number((placed / seconds).toFixed(1)) : 0],
  ];
  return figures.map(([name, value]) => `${name}: ${value}`).join('\n');
}
