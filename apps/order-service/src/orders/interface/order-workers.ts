import { BackendFault, type Queue, type Running, type Task, type TaskQueue, type Verdict } from '@redstart/ports';
import { processOrderQueue, reversePaymentQueue, type OrderTask } from '../application/order-tasks.js';
import type { ProcessOrder } from '../application/process-order.js';
import type { ReversePayment } from '../application/reverse-payment.js';

const CONCURRENCY = { process: 16, reverse: 4 };
const OUTAGE_RETRY_MS = 1000;

/** Works both queues until stopped. */
export function startOrderWorkers(parts: {
  queue: TaskQueue;
  processOrder: ProcessOrder;
  reversePayment: ReversePayment;
  onFault: (error: unknown) => void;
}): Running[] {
  const { queue, processOrder, reversePayment, onFault } = parts;
  const work = (
    definition: Queue<OrderTask>,
    concurrency: number,
    handle: (task: Task<OrderTask>) => Promise<Verdict>,
  ) => queue.work(definition, (task) => patient(() => handle(task), onFault), { concurrency, onFault });
  return [
    work(processOrderQueue, CONCURRENCY.process, ({ payload, signal }) => processOrder.run(payload.orderId, signal)),
    work(reversePaymentQueue, CONCURRENCY.reverse, async ({ payload, signal }) => {
      await reversePayment.run(payload.orderId, { signal });
      return 'done';
    }),
  ];
}

/** An outage is nobody's fault: the task comes again and has lost no attempt. */
async function patient(handle: () => Promise<Verdict>, onFault: (error: unknown) => void): Promise<Verdict> {
  try {
    return await handle();
  } catch (error) {
    if (!(error instanceof BackendFault)) throw error;
    onFault(error);
    return { retryInMs: Math.ceil(OUTAGE_RETRY_MS * (0.5 + Math.random())), countAttempt: false };
  }
}
