import { type DeadRecord, type TakenTask, type TaskRecord } from '@redstart/ports';

const HEADER_BYTES = 20;
const BAR = 0x7c;
const ZERO = 0x30;

/** Bytes that a task takes in `encodeTasks`, at least. */
export function sizeOf(task: TaskRecord): number {
  return HEADER_BYTES + task.id.length + fieldOf(task).length + task.body.length;
}

/** What enqueue.lua reads as `tasks`: one blob, since each Buffer among the arguments costs (measured, SPEED.md). */
export function encodeTasks(groups: readonly (readonly TaskRecord[])[]): Buffer {
  let bytes = 0;
  for (const group of groups) {
    for (const task of group) {
      bytes += HEADER_BYTES + Buffer.byteLength(task.id) + Buffer.byteLength(fieldOf(task)) + task.body.length;
    }
  }
  const blob = Buffer.allocUnsafe(bytes);
  let at = 0;
  groups.forEach((group, number) => {
    for (const task of group) {
      const idBytes = blob.write(task.id, at + HEADER_BYTES);
      const fieldBytes = blob.write(fieldOf(task), at + HEADER_BYTES + idBytes);
      blob.writeUInt32BE(number, at);
      blob.writeUInt32BE(task.body.length, at + 4);
      blob.writeDoubleBE(task.delayMs, at + 8);
      blob.writeUInt16BE(idBytes, at + 16);
      blob.writeUInt16BE(fieldBytes, at + 18);
      at += HEADER_BYTES + idBytes + fieldBytes;
      blob.set(task.body, at);
      at += task.body.length;
    }
  });
  return blob;
}

/** Of a record (keys.ts). */
export function decodeTaken(record: Buffer): TakenTask {
  const head = readHead(record, 4);
  const [, burned, idBytes, fieldBytes] = head.numbers as [number, number, number, number];
  const bodyAt = head.end + idBytes + fieldBytes;
  return {
    token: record.toString('latin1', 0, record.indexOf(BAR)),
    id: record.toString('utf8', head.end, head.end + idBytes),
    attempt: burned + 1,
    body: record.subarray(bodyAt),
  };
}

/** Of a letter (keys.ts). */
export function decodeDeadLetter(letter: Buffer): DeadRecord {
  const head = readHead(letter, 3);
  const [diedAt, attempts, reasonBytes] = head.numbers as [number, number, number];
  const { id, body } = decodeTaken(letter.subarray(head.end + reasonBytes));
  return { id, body, attempts, reason: letter.toString('utf8', head.end, head.end + reasonBytes), diedAt };
}

/** Decimal numbers, each followed by a bar. */
function readHead(bytes: Buffer, count: number): { numbers: number[]; end: number } {
  const numbers: number[] = [];
  let end = 0;
  while (numbers.length < count) {
    let value = 0;
    for (; bytes[end] !== BAR; end += 1) {
      if (end >= bytes.length) throw new Error('a task record is cut off');
      value = value * 10 + (bytes[end] as number) - ZERO;
    }
    numbers.push(value);
    end += 1;
  }
  return { numbers, end };
}

function fieldOf(task: TaskRecord): string {
  if (task.dedupe === 'none') return '';
  return task.dedupe === 'id' ? 'i' : `k${task.dedupe.key}`;
}
