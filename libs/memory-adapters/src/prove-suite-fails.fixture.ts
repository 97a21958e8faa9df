import { describe, expect, it } from '@jest/globals';

// One test of each kind, for prove-suite-fails.spec.ts.
describe('a fixture', () => {
  it('passes', () => expect(1).toBe(1));
  it('fails', () => expect(1).toBe(2));
});
