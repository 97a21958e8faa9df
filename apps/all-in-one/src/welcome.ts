import { demoCustomer } from '@redstart/order-service/module';
import type { Platform } from './start-all.js';

/** What to do next: addresses, and one command that can be pasted. */
export async function welcome(platform: Platform, env: NodeJS.ProcessEnv): Promise<string> {
  const { gatewayUrl } = platform;
  const lines = [
    '',
    'Redstart is ready.',
    '',
    `  API        ${gatewayUrl}/v1`,
    `  OpenAPI    ${gatewayUrl}/docs`,
    `  readiness  ${gatewayUrl}/health/ready`,
    `  mails      ${env['SMTP_URL'] ? 'by SMTP' : `${env['DATA_DIR'] ?? '.data'}/mail`}`,
    `  backend    ${env['REDIS_URL'] === 'memory:' ? 'memory (set REDIS_URL for a real one)' : 'Redis'}`,
  ];
  const token = env['SEED_DEMO'] ? await demoToken(gatewayUrl) : undefined;
  if (token) {
    lines.push(
      '',
      `Place an order as ${demoCustomer.email} (password ${demoCustomer.password}); paste this:`,
      '',
      `curl -sS ${gatewayUrl}/v1/orders -H 'Authorization: Bearer ${token}' -H "Idempotency-Key: try-$(date +%s%N)" ` +
        `-H 'Content-Type: application/json' -d '{"lines":[{"sku":"${demoCustomer.sku}","quantity":1}]}'`,
      '',
      'and see what became of it:',
      '',
      `curl -sS ${gatewayUrl}/v1/orders -H 'Authorization: Bearer ${token}'`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}

async function demoToken(gatewayUrl: string): Promise<string | undefined> {
  const answer = await fetch(`${gatewayUrl}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: demoCustomer.email, password: demoCustomer.password }),
  });
  if (answer.status !== 201) return undefined;
  return ((await answer.json()) as { token: string }).token;
}
