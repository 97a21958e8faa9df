import { describe, expect, it } from '@jest/globals';
import { SampleOrder } from '../../orders/domain/sample-order.fixture.js';
import { orderMail } from './order-mail.js';

describe('the mail about an order', () => {
  it('names customer, lines and total in the currency of the shop', () => {
    const order = new SampleOrder();
    expect(orderMail(order.event('confirmed'))).toEqual({
      recipient: 'first@customers.example',
      subject: `Your order is confirmed (${order.id})`,
      text: [
        'Dear First Customer,',
        '',
        `your order ${order.id} is confirmed.`,
        '',
        '  6 x WHITE HEART (85123A)  £15.30',
        '',
        'Total: £15.30',
        '',
      ].join('\n'),
    });
  });

  it('says why an order could not be accepted, or was cancelled', () => {
    expect(orderMail(new SampleOrder().event('rejected'))?.text).toContain('Reason: OUT_OF_STOCK');
    expect(orderMail(new SampleOrder().event('cancelled'))?.text).toContain('Reason: WRONG_SIZE');
  });

  it('is sent at delivery too, and not before the order is decided', () => {
    expect(orderMail(new SampleOrder().event('delivered'))?.subject).toMatch('is delivered');
    expect(orderMail(new SampleOrder().event('placed'))).toBeUndefined();
  });
});
