import type { OrderEvent } from '@redstart/messages';

/** What an area does at an order's event, within the transaction that accepts it. */
export type Reaction<Tx> = (event: OrderEvent, tx: Tx) => Promise<void>;

/** All of them, one after the other: they share the transaction, so an event has all of its effects or none. */
export const allOf =
  <Tx>(reactions: readonly Reaction<Tx>[]): Reaction<Tx> =>
  async (event, tx) => {
    for (const react of reactions) await react(event, tx);
  };
