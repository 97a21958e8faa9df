/** An import that must be refused, or one that must pass, and where it stands. */
export interface Probe {
  readonly title: string;
  /** The file that holds the import, from the workspace's root. One that exists keeps its content. */
  readonly file: string;
  readonly code: string;
  /** More files that the probe needs: the other half of a cycle. */
  readonly beside?: Readonly<Record<string, string>>;
  /** Who must refuse it, by which rule. Empty: it must pass. */
  readonly refusedBy: {
    readonly eslint?: string;
    readonly dependencyCruiser?: string;
  };
}

const domain = 'apps/order-service/src/orders/domain/probe.ts';
const application = 'apps/order-service/src/orders/application/probe.ts';
const infrastructure = 'apps/order-service/src/orders/infrastructure/probe.ts';
const edge = 'apps/order-service/src/orders/interface/probe.ts';

/** Each boundary of the house once. `tools/boundary-probes/src/boundaries.spec.ts` runs them. */
export const probes: readonly Probe[] = [
  {
    title: 'domain → ioredis',
    file: domain,
    code: "import { Redis } from 'ioredis';\nexport const made = new Redis();",
    refusedBy: { eslint: 'no-restricted-imports', dependencyCruiser: 'domain-is-plain' },
  },
  {
    title: 'domain → Nest',
    file: domain.replace('probe', 'nest-probe'),
    code: "import { Injectable } from '@nestjs/common';\nexport const made = Injectable();",
    refusedBy: { eslint: 'no-restricted-imports', dependencyCruiser: 'domain-is-plain' },
  },
  {
    title: 'domain → application',
    file: domain.replace('probe', 'outward-probe'),
    code: "export * from '../application/probe-target.js';",
    beside: { 'apps/order-service/src/orders/application/probe-target.ts': 'export const target = 1;' },
    refusedBy: { dependencyCruiser: 'domain-knows-only-domain' },
  },
  {
    title: 'application → infrastructure',
    file: application,
    code: "export * from '../infrastructure/probe-target.js';",
    beside: { 'apps/order-service/src/orders/infrastructure/probe-target.ts': 'export const target = 1;' },
    refusedBy: { dependencyCruiser: 'application-knows-no-outside' },
  },
  {
    title: 'application → infrastructure of another area',
    file: application.replace('probe', 'area-probe'),
    code: "export * from '../../users/infrastructure/probe-target.js';",
    beside: { 'apps/order-service/src/users/infrastructure/probe-target.ts': 'export const target = 1;' },
    refusedBy: { dependencyCruiser: 'application-knows-no-outside' },
  },
  {
    title: 'application → Nest',
    file: application.replace('probe', 'nest-probe'),
    code: "import { Injectable } from '@nestjs/common';\nexport const made = Injectable();",
    refusedBy: { eslint: 'no-restricted-imports', dependencyCruiser: 'application-is-plain' },
  },
  {
    title: 'interface → infrastructure',
    file: edge,
    code: "export * from '../infrastructure/probe-target.js';",
    refusedBy: { dependencyCruiser: 'interface-knows-no-infrastructure' },
  },
  {
    title: 'infrastructure → interface',
    file: infrastructure,
    code: "export * from '../interface/probe-target.js';",
    beside: { 'apps/order-service/src/orders/interface/probe-target.ts': 'export const target = 1;' },
    refusedBy: { dependencyCruiser: 'infrastructure-knows-no-interface' },
  },
  {
    title: 'infrastructure → composition',
    file: infrastructure.replace('probe', 'composition-probe'),
    code: "export * from '../../composition/probe-target.js';",
    beside: { 'apps/order-service/src/composition/probe-target.ts': 'export const target = 1;' },
    refusedBy: { dependencyCruiser: 'infrastructure-knows-no-interface' },
  },
  {
    title: 'interface → composition',
    file: edge.replace('probe', 'composition-probe'),
    code: "export * from '../../composition/probe-target.js';",
    refusedBy: { dependencyCruiser: 'interface-knows-no-infrastructure' },
  },
  {
    title: 'any other place → composition',
    file: 'apps/order-service/src/outside-probe.ts',
    code: "export * from './composition/probe-target.js';",
    refusedBy: { dependencyCruiser: 'composition-is-outmost' },
  },
  {
    title: 'interface → ioredis',
    file: edge.replace('probe', 'ioredis-probe'),
    code: "import { Redis } from 'ioredis';\nexport const made = new Redis();",
    refusedBy: { eslint: 'no-restricted-imports', dependencyCruiser: 'only-redis-adapters-speak-redis' },
  },
  {
    title: "a port's own file → another file",
    file: 'libs/ports/src/lock/lock.ts',
    code: "export type { Clock } from '../clock/clock.js';",
    refusedBy: { dependencyCruiser: 'port-imports-nothing' },
  },
  {
    title: "a port's own file → a package",
    file: 'libs/ports/src/queue/task-queue.ts',
    code: "export type { LRUCache } from 'lru-cache';",
    refusedBy: { dependencyCruiser: 'port-imports-nothing' },
  },
  {
    title: "a port's own file → more than types of call.ts",
    file: 'libs/ports/src/stream/event-stream.ts',
    code: "export * from '../call/call.js';",
    refusedBy: { dependencyCruiser: 'port-imports-only-types' },
  },
  {
    title: 'app → app, by name',
    file: 'apps/api-gateway/src/edge/interface/probe.ts',
    code: "import * as other from '@redstart/order-service/module';\nexport const taken = other;",
    refusedBy: { eslint: '@nx/enforce-module-boundaries', dependencyCruiser: 'no-app-imports-another' },
  },
  {
    title: 'app → app, by path',
    file: 'apps/event-streaming/src/mails/interface/probe.ts',
    code: "import * as other from '../../../../order-service/src/module.js';\nexport const taken = other;",
    refusedBy: { eslint: '@nx/enforce-module-boundaries', dependencyCruiser: 'no-app-imports-another' },
  },
  {
    title: 'all-in-one → the inside of an app',
    file: 'apps/all-in-one/src/probe.ts',
    code: "import * as other from '../../order-service/src/orders/domain/order.js';\nexport const taken = other;",
    refusedBy: { eslint: '@nx/enforce-module-boundaries', dependencyCruiser: 'all-in-one-takes-the-entry' },
  },
  {
    title: 'adapter → Nest',
    file: 'libs/redis-adapters/src/lock/probe.ts',
    code: "import { Injectable } from '@nestjs/common';\nexport const made = Injectable();",
    refusedBy: { eslint: 'no-restricted-imports', dependencyCruiser: 'adapter-knows-no-nest' },
  },
  {
    title: 'a memory adapter → ioredis',
    file: 'libs/memory-adapters/src/lock/probe.ts',
    code: "import { Redis } from 'ioredis';\nexport const made = new Redis();",
    refusedBy: { eslint: 'no-restricted-imports', dependencyCruiser: 'only-redis-adapters-speak-redis' },
  },
  {
    title: 'ports → adapters',
    file: 'libs/ports/src/lock/probe.ts',
    code: "import * as adapters from '@redstart/memory-adapters';\nexport const taken = adapters;",
    refusedBy: { eslint: '@nx/enforce-module-boundaries' },
  },
  {
    title: 'an app → its test servers',
    file: 'apps/order-service/src/composition/probe.ts',
    code: "import * as servers from '@redstart/test-servers';\nexport const taken = servers;",
    refusedBy: { dependencyCruiser: 'tests-stay-out-of-images' },
  },
  {
    title: 'a cycle',
    file: 'libs/service-kit/src/probe-one.ts',
    code: "import { two } from './probe-two.js';\nexport const one = () => two;",
    beside: {
      'libs/service-kit/src/probe-two.ts': "import { one } from './probe-one.js';\nexport const two = () => one;",
    },
    refusedBy: { dependencyCruiser: 'no-cycle' },
  },
  {
    title: 'an import that leads nowhere',
    file: 'libs/service-kit/src/probe-nowhere.ts',
    code: "export * from './no-such-file.js';",
    refusedBy: { dependencyCruiser: 'unresolvable' },
  },
  {
    title: 'application → domain and ports passes',
    file: application.replace('probe', 'allowed-probe'),
    code: "import * as order from '../domain/order.js';\nimport { type Lock } from '@redstart/ports';\nexport const taken: [typeof order, Lock?] = [order];",
    refusedBy: {},
  },
  {
    title: 'composition → Nest, all layers and, loaded when the URL asks for them, adapters passes',
    file: 'apps/order-service/src/composition/allowed-probe.ts',
    code: "import { Module } from '@nestjs/common';\nimport * as order from '../orders/domain/order.js';\nexport const taken = [Module, order, () => import('@redstart/redis-adapters')];",
    refusedBy: {},
  },
  {
    title: 'redis-adapters → ioredis passes',
    file: 'libs/redis-adapters/src/lock/allowed-probe.ts',
    code: "import { Redis } from 'ioredis';\nexport const made = () => new Redis();",
    refusedBy: {},
  },
];
