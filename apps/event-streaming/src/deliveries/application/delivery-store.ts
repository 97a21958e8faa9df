export interface Delivery {
  id: string;
  orderId: string;
}

/** Deliveries, kept in the transaction that is given. */
export interface DeliveryStore<Tx> {
  /** One delivery an order; a second call for it does nothing. */
  schedule(tx: Tx, delivery: Delivery & { dueAt: Date }): Promise<void>;
  /** Stops a delivery that is still on its way; one that has arrived stays. */
  stop(tx: Tx, orderId: string): Promise<void>;
  /** Marks up to `limit` deliveries that are due as completed; no other process gets the same ones. */
  completeDue(tx: Tx, options: { now: Date; limit: number }): Promise<Delivery[]>;
}
