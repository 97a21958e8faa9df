// Boundaries between folders; those between projects are Nx tags (eslint.config.mjs). tools/boundary-probes proves each.

const app = '^apps/([^/]+)/src/';
const inApp = '^apps/[^/]+/src/';
const layer = (...names) => `^apps/.*/(?:${names.join('|')})/`;
const testOnly = String.raw`\.(?:spec|contract|fixture|subject)\.ts$|/e2e/|^tools/|/[^/]*under-test\.ts$`;
/** What an app injects: `lock/lock.ts`, `queue/task-queue.ts`. The logic above a driver has another name. */
export const portsOwnFile = String.raw`^libs/ports/src/([^/]+)/(?!driven-|insured-|system-|faulty)[a-z-]*\1\.ts$`;

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    forbid(
      'no-cycle',
      'Two files that need each other are one file, or a third is missing.',
      {},
      // Types that name each other are gone at run time.
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    forbid(
      'unresolvable',
      'An import that leads nowhere would escape every other rule.',
      { path: '^(?:apps|libs|tools)/' },
      { couldNotResolve: true },
    ),
    forbid(
      'domain-knows-only-domain',
      'The domain is the inmost layer.',
      { path: layer('domain') },
      { path: '^apps/', pathNot: layer('domain') },
    ),
    forbid(
      'domain-is-plain',
      'No framework and no driver in the domain: only messages, ports and what Node has.',
      { path: layer('domain'), pathNot: testOnly },
      { path: 'node_modules/|^libs/', pathNot: '^libs/(?:messages|ports)/' },
    ),
    forbid(
      'application-knows-no-outside',
      'Use cases see the domain and ports; composition hands them the rest.',
      { path: layer('application'), pathNot: testOnly },
      { path: '^apps/', pathNot: layer('domain', 'application') },
    ),
    forbid(
      'application-is-plain',
      'Use cases carry no Nest decorator and know no driver.',
      { path: layer('application'), pathNot: testOnly },
      { path: 'node_modules/(?:@nestjs|ioredis|pg|kysely|fastify|@fastify)/|^libs/(?!ports/|messages/)' },
    ),
    forbid(
      'interface-knows-no-infrastructure',
      'The edge talks to use cases.',
      { path: layer('interface'), pathNot: testOnly },
      { path: layer('infrastructure', 'composition') },
    ),
    forbid(
      'infrastructure-knows-no-interface',
      'Adapters serve use cases, not the edge.',
      { path: layer('infrastructure'), pathNot: testOnly },
      { path: layer('interface', 'composition') },
    ),
    forbid(
      'composition-is-outmost',
      'Only main.ts, module.ts and tests start from the composition.',
      { path: inApp, pathNot: [layer('composition'), `${inApp}(?:main|module)\\.ts$`, testOnly] },
      { path: layer('composition') },
    ),
    forbid(
      'no-app-imports-another',
      'Services talk by messages; all-in-one starts them by their entry.',
      { path: '^apps/([^/]+)/', pathNot: '^apps/all-in-one/' },
      { path: '^apps/', pathNot: '^apps/$1/' },
    ),
    forbid(
      'all-in-one-takes-the-entry',
      'all-in-one sees of the others only what they offer to it.',
      { path: '^apps/all-in-one/' },
      { path: app, pathNot: '^apps/(?:all-in-one/|[^/]+/src/module\\.ts$)' },
    ),
    forbid(
      'port-imports-nothing',
      'What apps inject stands alone but for the types of call.ts.',
      { path: portsOwnFile },
      { pathNot: '^libs/ports/src/call/call\\.ts$' },
    ),
    forbid(
      'port-imports-only-types',
      'Also of call.ts only types.',
      { path: portsOwnFile },
      { path: '^libs/ports/src/call/call\\.ts$', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'adapter-knows-no-nest',
      'Adapters serve any framework.',
      { path: '^libs/(?:ports|messages|[^/]+-adapters)/' },
      { path: 'node_modules/@nestjs/' },
    ),
    forbid(
      'only-redis-adapters-speak-redis',
      'Everybody else injects a port.',
      { pathNot: '^libs/redis-adapters/|^tools/' },
      { path: 'node_modules/ioredis/' },
    ),
    forbid(
      'tests-stay-out-of-images',
      'Suites, fixtures and test servers are for tests.',
      { path: '^(?:apps|libs)/', pathNot: [testOnly, '^libs/ports/src/contracts\\.ts$', '^libs/[^/]+/src/prove-'] },
      {
        path: String.raw`\.(?:spec|contract|fixture|subject)\.ts$|^libs/ports/src/contracts\.ts$|^tools/test-servers/`,
      },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(?:^|/)(?:dist|out-tsc|coverage)/|\\.d\\.[mc]?ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@redstart/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mts', '.mjs', '.js', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
