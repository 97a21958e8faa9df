/**
 * Waits until `probe` answers without throwing. For contract suites, where a real server's clock cannot be moved.
 * @throws what `probe` threw last, once `withinMs` (default 5000) have passed
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  options: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const untilMs = performance.now() + (options.withinMs ?? 5_000);
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() >= untilMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 10));
  }
}
