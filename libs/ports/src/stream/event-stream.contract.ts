import { afterEach, beforeEach, describe } from '@jest/globals';
import { describeAppending } from './appending.contract.js';
import { describeConsuming } from './consuming.contract.js';
import { describeDriver } from './driver.contract.js';
import { describeOutages } from './outages.contract.js';
import { describeOwnership } from './ownership.contract.js';
import { describeParking } from './parking.contract.js';
import { describeReading } from './reading.contract.js';
import { type StreamBackend, StreamStage } from './stream-stage.js';

export { type Change, type StreamBackend, type StreamUnderTest } from './stream-stage.js';

/** What every `EventStream` owes, on every backend. */
export function describeStreamContract(name: string, backend: StreamBackend): void {
  describe(`the stream contract on ${name}`, () => {
    let stage: StreamStage;
    const current = () => stage;

    beforeEach(async () => {
      stage = new StreamStage(await backend.open());
    });
    afterEach(() => stage.close());

    describe('append', () => describeAppending(current));
    describe('read and trim', () => describeReading(current));
    describe('consume', () => describeConsuming(current));
    describe('owners', () => describeOwnership(current));
    describe('parking', () => describeParking(current));
    describe('driver', () => describeDriver(current));
    describe('outages', () => describeOutages(current));
  });
}
