import { describe, expect, it } from '@jest/globals';
import { SampleOrder } from '../../orders/domain/sample-order.fixture.js';
import { notificationText } from './notification-text.js';

describe('the notification about an order', () => {
  const order = new SampleOrder();

  it.each([
    ['confirmed', `Order ${order.id} is confirmed and on its way.`],
    ['rejected', `Order ${order.id} could not be accepted: OUT_OF_STOCK.`],
    ['cancelled', `Order ${order.id} is cancelled.`],
    ['delivered', `Order ${order.id} is delivered.`],
  ] as const)('says in one line that it is %s', (state, text) => {
    expect(notificationText(order.event(state))).toBe(text);
  });

  it('is not worth one before the order is decided', () => {
    expect(notificationText(order.event('placed'))).toBeUndefined();
  });
});
