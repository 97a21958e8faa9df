const FIRST_MS = 50;
const MAX_MS = 2000;

/**
 * Milliseconds to wait before attempt `attempt` (1 is the first): full jitter under an exponential bound, so that the
 * processes that lost a server together do not come back together ("Exponential Backoff And Jitter", AWS, 2015).
 */
export function reconnectDelayMs(attempt: number, random: () => number = Math.random): number {
  const boundMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(random() * boundMs) + 1;
}
