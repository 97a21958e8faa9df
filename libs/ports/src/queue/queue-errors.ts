/** The reason of `Task.signal`, and what `onFault` is told: another worker may hold the task; a verdict may be refused. */
export class TaskLeaseLostError extends Error {
  readonly code = 'TASK_LEASE_LOST';

  constructor(
    readonly queue: string,
    readonly taskId: string,
  ) {
    super(`the lease of task ${taskId} in queue ${queue} is lost`);
    this.name = 'TaskLeaseLostError';
  }
}

/** The reason of `Task.signal` when the worker was stopped and its deadline has passed: the task is handed back. */
export class WorkerStoppedError extends Error {
  readonly code = 'WORKER_STOPPED';

  constructor(
    readonly queue: string,
    readonly taskId: string,
  ) {
    super(`the worker of queue ${queue} was stopped before task ${taskId} ended`);
    this.name = 'WorkerStoppedError';
  }
}
