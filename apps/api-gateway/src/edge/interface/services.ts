/** Tokens of the callers of other services. */
export const ORDER_SERVICE = Symbol('order-service');
export const EVENT_STREAMING = Symbol('event-streaming');
