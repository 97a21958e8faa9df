import type { Money, OrderEvent } from '@redstart/messages';

export interface Mail {
  recipient: string;
  subject: string;
  text: string;
}

/** What the customer is told; undefined: nothing yet (an order that was just placed is not decided). */
export function orderMail(event: OrderEvent): Mail | undefined {
  const headline = HEADLINES[event.type];
  if (!headline) return undefined;
  const { customer, lines, total } = event.data;
  const items = lines.map((line) => `  ${line.quantity} x ${line.name} (${line.sku})  ${amountOf(line.total)}`);
  const reason = 'reason' in event.data ? [`Reason: ${event.data.reason}`, ''] : [];
  return {
    recipient: customer.email,
    subject: `Your order ${headline} (${event.subject})`,
    text: [`Dear ${customer.name},`, '', `your order ${event.subject} ${headline}.`, '', ...reason]
      .concat(items, ['', `Total: ${amountOf(total)}`, ''])
      .join('\n'),
  };
}

const HEADLINES: Record<OrderEvent['type'], string | undefined> = {
  'order.placed.v1': undefined,
  'order.confirmed.v1': 'is confirmed',
  'order.rejected.v1': 'could not be accepted',
  'order.cancelled.v1': 'is cancelled',
  'order.delivered.v1': 'is delivered',
};

function amountOf({ amount, currency }: Money): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}
