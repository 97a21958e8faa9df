import { onStopSignal } from './shutdown.js';

/** Records the type that the compiler wrote down for a property: dependency injection hangs on it. */
let seen = 'nothing';
const Recorded: PropertyDecorator = () => undefined;
Object.assign(Reflect, {
  metadata: (key: string, value: unknown) => (
    key === 'design:type' && (seen = (value as { name: string }).name),
    Recorded
  ),
});
class Engine {}
class Car {
  @Recorded engine!: Engine;
}

// A program for a spec: says who it is, ends with 7 when it is asked to, with 3 when its arguments say so.
onStopSignal(
  () => process.exit(7),
  () => process.exit(8),
);
process.stdout.write(`${JSON.stringify({ pid: process.pid, node: process.version, type: seen, made: new Car() })}\n`);
if (process.argv[2] === 'end') process.exit(3);
setInterval(() => undefined, 1000);
