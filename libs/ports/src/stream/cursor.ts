import { type Cursor } from './event-stream.js';

export interface Position {
  incarnation: string;
  partition: number;
  sequence: number;
  /** Epoch milliseconds. */
  writtenAt: number;
}

const SHAPE = /^([^.]+)\.(\d+)\.(\d+)-(\d+)$/;

export function cursorAt({ incarnation, partition, sequence, writtenAt }: Position): Cursor {
  return `${incarnation}.${partition}.${sequence}-${writtenAt}` as Cursor;
}

/** @throws RangeError when it is not one that `cursorAt` made */
export function positionOf(cursor: Cursor): Position {
  const [, incarnation, partition, sequence, writtenAt] = SHAPE.exec(cursor) ?? [];
  if (incarnation === undefined) throw new RangeError(`not a cursor: ${JSON.stringify(cursor)}`);
  return { incarnation, partition: Number(partition), sequence: Number(sequence), writtenAt: Number(writtenAt) };
}
