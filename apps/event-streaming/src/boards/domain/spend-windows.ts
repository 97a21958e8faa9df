const DAY_MS = 24 * 60 * 60 * 1000;
/** A closed window's board is kept for a while, for who looks back. */
const KEEP_DAYS = { day: 8, week: 15 };

export interface BoardWindow {
  board: string;
  /** When the board may go; undefined: never. */
  expiresAt?: Date;
}

/** The boards on which something that happened at `time` counts: of all time, of its UTC day and of its ISO week. */
export function spendWindows(time: Date): { all: BoardWindow; day: BoardWindow; week: BoardWindow } {
  const day = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()));
  const monday = new Date(day.getTime() - ((day.getUTCDay() + 6) % 7) * DAY_MS);
  const after = (from: Date, days: number) => new Date(from.getTime() + days * DAY_MS);
  return {
    all: { board: 'spend' },
    day: { board: `spend.day.${isoDate(day)}`, expiresAt: after(day, KEEP_DAYS.day) },
    week: { board: `spend.week.${isoDate(monday)}`, expiresAt: after(monday, KEEP_DAYS.week) },
  };
}

const isoDate = (date: Date) => date.toISOString().slice(0, 10);
