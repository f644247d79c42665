/**
 * Keeps the shape of the sources: who may import whom, which package and which global belongs where, and that no
 * module holds state. The tables are the rule; `check` at the end applies them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { cyclesOf, readFacts } from './support/source-facts.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

// A place is a file, or a folder ending in a slash.

/** What all doors, their clients and what puts them together may know. */
const CORE = [
  'access',
  'presence',
  'recovery',
  'snapshots',
  'redis-commands',
  'broker',
  'queue',
  'delivery',
  'routes',
  'cluster',
  'history',
  'bus',
  'leaves',
]

/**
 * From the top to the bottom. An area imports from the areas and files of its list, and from its own files only where
 * the list names it too. The doors never meet: what one needs of another the bridge hands it.
 */
const AREAS: Readonly<Record<string, { places: readonly string[]; mayImport: readonly string[] }>> = {
  main: {
    places: [
      'src/main.ts',
      'src/arguments.ts',
      'src/client-commands.ts',
      'src/command-line.ts',
      'src/cli.ts',
      'src/help-topics.ts',
      'src/healthcheck.ts',
      'src/npx.ts',
      'src/access-commands.ts',
      'src/access-answers.ts',
      'src/line-input.ts',
      'src/process-terminal.ts',
      'src/banner.ts',
      'src/logger.ts',
      'src/reloading.ts',
      'src/version.ts',
    ],
    mayImport: ['main', 'serving', 'terminal', 'runtime', 'src/bridge-api.ts', 'config files', 'access', 'leaves'],
  },
  // what they use of a configuration is looked at before the start
  'config files': { places: ['src/config-files.ts'], mayImport: ['certificates', 'access', 'redis', 'leaves'] },
  // a process that serves: alone, as a worker, or with workers below it
  serving: {
    places: ['src/serving/'],
    mayImport: [
      'serving',
      'src/banner.ts',
      'src/logger.ts',
      'src/npx.ts',
      'src/reloading.ts',
      'src/version.ts',
      'runtime',
      'workers',
      'bridge',
      'built page',
      'leaves',
    ],
  },
  // a client for people at a terminal, with the profiles of the page
  terminal: {
    places: ['src/terminal/'],
    mayImport: [
      'terminal',
      'src/arguments.ts',
      'stomp-client',
      'web-debugger/stomp/profile.ts',
      'web-debugger/stomp/profile-file.ts',
      'web-debugger/stomp/profile-link.ts',
    ],
  },
  index: { places: ['src/index.ts'], mayImport: ['bridge', 'access', 'bus', 'leaves'] },
  // a program of its own beside the bridge, which shares with it how names stand in destinations
  backend: { places: ['src/backend/'], mayImport: ['backend', 'src/destinations.ts'] },
  runtime: {
    places: ['src/runtime/'],
    mayImport: ['runtime', 'src/socket.ts', 'src/processes.ts', 'src/placed-set.ts'],
  },
  certificates: { places: ['src/certificates.ts'], mayImport: ['leaves'] },
  workers: { places: ['src/workers/'], mayImport: ['workers', 'leaves'] },
  bridge: {
    places: [
      'src/bridge.ts',
      'src/bridge-access.ts',
      'src/bridge-endpoints.ts',
      'src/bridge-api.ts',
      'src/bridge-facts.ts',
      'src/bridge-history.ts',
      'src/bridge-listeners.ts',
      'src/bridge-nodes.ts',
      'src/bridge-options.ts',
      'src/bridge-commands.ts',
      'src/bridge-people.ts',
      'src/bridge-snapshots.ts',
      'src/bridge-queues.ts',
      'src/bridge-reload.ts',
      'src/bridge-routes.ts',
    ],
    mayImport: ['bridge', 'doors', 'debug', 'client', ...CORE, 'certificates', 'redis'],
  },
  stomp: { places: ['src/stomp/'], mayImport: ['stomp', 'frames', 'client', ...CORE] },
  raw: { places: ['src/raw/'], mayImport: ['raw', 'client', ...CORE] },
  sse: { places: ['src/sse/'], mayImport: ['sse', 'client', ...CORE] },
  // below STOMP: it makes sockets of what it opens, and knows nothing of what is spoken over them
  sockjs: { places: ['src/sockjs/'], mayImport: ['sockjs', 'access', 'leaves'] },
  // its endpoints are among those of HTTP, whose errors and guards they share
  debug: { places: ['src/debug/'], mayImport: ['debug', 'http', 'client', ...CORE] },
  http: { places: ['src/http/'], mayImport: ['http', 'client', ...CORE] },
  client: { places: ['src/client/'], mayImport: ['client', ...CORE] },
  access: { places: ['src/access/'], mayImport: ['access', 'leaves'] },
  presence: { places: ['src/presence/'], mayImport: ['presence', 'cluster', 'leaves'] },
  // what nodes tell and ask each other
  cluster: { places: ['src/cluster/'], mayImport: ['cluster', 'bus', 'leaves'] },
  // reads the history for those who come back
  recovery: {
    places: ['src/recovery/'],
    mayImport: ['recovery', 'broker', 'delivery', 'routes', 'history', 'bus', 'leaves'],
  },
  // what answers a SUBSCRIBE by itself
  snapshots: { places: ['src/snapshots/'], mayImport: ['snapshots', 'delivery', 'routes', 'bus', 'leaves'] },
  // what clients may ask of Redis themselves
  'redis-commands': { places: ['src/redis-commands/'], mayImport: ['redis-commands', 'bus', 'leaves'] },
  broker: { places: ['src/broker/'], mayImport: ['broker', 'queue', 'delivery', 'routes', 'history', 'bus', 'leaves'] },
  // hands each message to one subscriber
  queue: { places: ['src/queue/'], mayImport: ['queue', 'delivery', 'routes', 'bus', 'leaves'] },
  delivery: { places: ['src/delivery/'], mayImport: ['delivery', 'leaves'] },
  routes: { places: ['src/routes/'], mayImport: ['routes', 'leaves'] },
  redis: {
    places: ['src/redis/'],
    mayImport: ['redis', 'access', 'queue', 'history', 'snapshots', 'redis-commands', 'bus', 'leaves'],
  },
  history: { places: ['src/history/'], mayImport: ['history', 'bus', 'leaves'] },
  bus: { places: ['src/bus/'], mayImport: ['bus', 'leaves'] },
  config: { places: ['src/config.ts'], mayImport: ['config parts'] },
  // what a destination is, and which headers are the bridge's own, is asked where settings meet
  'config parts': { places: ['src/config/'], mayImport: ['config parts', 'src/destinations.ts', 'src/headers.ts'] },
  metrics: { places: ['src/metrics.ts'], mayImport: ['metrics parts', 'src/socket.ts'] },
  'metrics parts': { places: ['src/metrics/'], mayImport: ['metrics parts', 'src/clock.ts'] },
  headers: { places: ['src/headers.ts'], mayImport: ['src/trace-context.ts'] },
  // the one place that knows OpenTelemetry
  tracing: { places: ['src/tracing/'], mayImport: ['tracing', 'leaves'] },
  leaves: {
    places: [
      'src/ask.ts',
      'src/errors.ts',
      'src/fresh-reads.ts',
      'src/json-text.ts',
      'src/log.ts',
      'src/socket.ts',
      'src/processes.ts',
      'src/rough-length.ts',
      'src/clock.ts',
      'src/destinations.ts',
      'src/text.ts',
      'src/trace-context.ts',
      'src/placed-set.ts',
      'src/position.ts',
      'src/recent.ts',
      'src/glob.ts',
      'src/setting-file.ts',
      'src/signal.ts',
    ],
    mayImport: [],
  },
  frames: { places: ['frames/'], mayImport: ['frames'] },
  // runs elsewhere: what a page or another program connects with
  'stomp-client': { places: ['src/stomp-client/'], mayImport: ['stomp-client'] },
  'built page': { places: ['web-debugger/built/'], mayImport: [] },
  // of the bridge it takes the types of what the API answers; of the client how long to wait, as it has to send what no client should
  'web-debugger': {
    places: ['web-debugger/'],
    mayImport: [
      'web-debugger',
      'frames',
      'src/debug/schema.ts',
      'src/http/schema.ts',
      'src/stomp-client/backoff.ts',
      'src/stomp-client/heart-beats.ts',
    ],
  },
}

/** What else an area goes by in the lists. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  config: ['leaves'],
  // one leaf in several files
  'config parts': ['config', 'leaves'],
  headers: ['leaves'],
  metrics: ['leaves'],
  'metrics parts': ['metrics', 'leaves'],
  tracing: ['leaves'],
  stomp: ['doors'],
  raw: ['doors'],
  sse: ['doors'],
  sockjs: ['doors'],
  http: ['doors'],
}

const LISTENERS = ['src/runtime/']

/** Packages with a place of their own; the first row whose name fits counts, `x/` for all below it. */
const PACKAGES: readonly { names: readonly string[]; places: readonly string[] }[] = [
  { names: ['ioredis'], places: ['src/redis/'] },
  { names: ['@hono/node-server'], places: LISTENERS },
  { names: ['hono', '@hono/'], places: ['src/http/', 'src/debug/'] },
  { names: ['ws', 'bun', 'bun:', 'node:http', 'node:https', 'node:http2'], places: LISTENERS },
  // there only the names in the certificate of a server are looked at
  { names: ['node:net', 'node:tls'], places: [...LISTENERS, 'src/redis/server-identity.ts'] },
  { names: ['node:child_process', 'node:cluster'], places: ['src/runtime/'] },
  { names: ['prom-client'], places: ['src/metrics.ts'] },
  { names: ['@opentelemetry/'], places: ['src/tracing/'] },
  { names: ['jose'], places: ['src/access/', 'src/access-commands.ts'] },
  { names: ['ipaddr.js'], places: ['src/access/', 'src/config/'] },
  { names: ['preact', '@preact/'], places: ['web-debugger/'] },
  { names: ['@stomp/stompjs'], places: ['web-debugger/', 'src/stomp-client/', 'src/terminal/'] },
]

/** Areas that import no other package than these. */
const NOTHING_ELSE: Readonly<Record<string, readonly string[]>> = {
  frames: [],
  'stomp-client': ['@stomp/stompjs'],
}

const GLOBALS = new Map([
  ['Bun', LISTENERS],
  ['Deno', LISTENERS],
])
const ENVIRONMENT = ['src/main.ts', 'src/serving/', 'src/config.ts']
/** No place at all in what also runs in a browser. */
const SERVER_GLOBALS = ['Buffer', 'process', 'require']

describe('the sources', () => {
  const sources = readSources()

  it('keep the rule of who imports whom', { timeout: 60_000 }, () => {
    expect(sources.size).toBeGreaterThan(0)
    expect(check(sources)).toEqual([])
  })
})

describe('the package', () => {
  const readJson = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))

  it(
    'exports what it has built, and its own programs find the sources under the same names',
    { timeout: 60_000 },
    async () => {
      const { exports } = readJson('package.json')
      const { paths } = readJson('tsconfig.json').compilerOptions
      const built = (name: string, source: string) => ({
        types: `./dist/types/${source.replace(/\.(ts|js)$/, '.d.ts')}`,
        default: `./dist/${name}.js`,
      })
      const sources = {
        index: 'src/index.ts',
        frames: 'frames/index.ts',
        client: 'src/stomp-client/index.ts',
        backend: 'src/backend/index.ts',
        debugger: 'web-debugger/built/assets.js',
        'runtime/bun': 'src/runtime/bun.ts',
        'runtime/deno': 'src/runtime/deno.ts',
        'runtime/node': 'src/runtime/node.ts',
      }
      const expected = Object.entries(sources).map(([name, source]) => [
        name === 'index' ? '.' : `./${name}`,
        built(name, source),
      ])
      expect(exports).toEqual({ ...Object.fromEntries(expected), './package.json': './package.json' })
      for (const [name, source] of Object.entries(sources)) {
        const key = name === 'index' ? 'stomp-bridge' : `stomp-bridge/${name.replace(/^(runtime)\/.*/, '$1/*')}`
        // Only the declarations of the page are always there.
        const path = source.replace(/(runtime)\/\w+/, '$1/*').replace(/\.js$/, '.d.ts')
        expect(paths[key], key).toEqual([`./${path}`])
        if (name === 'debugger') continue
        const names = Object.keys(await import(join(ROOT, source)))
        expect(names, source).not.toEqual([])
        expect(names, source).not.toContain('default')
      }
    },
  )

  it('has a command that Node runs: the bundler keeps the first line of its source', () => {
    expect(readJson('package.json').bin).toEqual({ 'stomp-bridge': './dist/main.js' })
    expect(readFileSync(join(ROOT, 'src/main.ts'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('needs neither Bun nor what only the page of the debugger is made of', () => {
    const { dependencies, optionalDependencies, peerDependencies } = readJson('package.json')
    expect(Object.keys(dependencies).filter((name) => /bun|preact/.test(name))).toEqual([])
    expect([optionalDependencies, peerDependencies]).toEqual([undefined, undefined])
  })

  it('has a lock file that names no registry', () => {
    // The workspace is a folder.
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "(?!web-debugger")/)
  })
})

describe('the checker', () => {
  const problems = (files: Record<string, string>) => check(new Map(Object.entries(files)))
  const app = { 'src/http/app.ts': 'export const app = 1\nexport type App = 1' }

  it.each([
    ['static', `import { app } from '../http/app.ts'`],
    ['type-only', `import type { App } from '../http/app.ts'`],
    ['inline type', `import { type App } from '../http/app.ts'`],
    ['side-effect', `import '../http/app.ts'`],
    ['dynamic', `export const load = () => import('../http/app.ts')`],
    ['import() type', `export type App = import('../http/app.ts').App`],
    ['typeof import()', `export type App = typeof import('../http/app.ts')`],
    ['export from', `export { app } from '../http/app.ts'`],
    ['export * from', `export * from '../http/app.ts'`],
    ['require', `const app = require('../http/app.ts')`],
  ])('catches a forbidden %s import', (_kind, line) => {
    expect(problems({ ...app, 'src/stomp/session.ts': `// first line\n${line}` })).toEqual([
      'src/stomp/session.ts:2 imports src/http/app.ts, but stomp may import only ' +
        'stomp, frames, client, access, presence, recovery, snapshots, redis-commands, broker, queue, delivery, routes, cluster, history, bus, leaves',
    ])
  })

  it('lets an area import what its row names', () => {
    expect(
      problems({
        'src/stomp/session.ts': `import '../client/client.ts'\nimport './commands/send.ts'\nimport '../socket.ts'`,
        'src/stomp/commands/send.ts': `import 'zod'\nimport '../../config/limits.ts'\nimport '../../config.ts'`,
        'src/stomp/encoding.ts': `import { encode } from '../../frames/index.ts'\nimport '../delivery/message.ts'`,
        'src/client/client.ts': `import '../access/identity.ts'\nimport '../broker/broker.ts'`,
        'src/broker/broker.ts': `import '../delivery/message.ts'\nimport '../routes/table.ts'\nimport '../bus/bus.ts'`,
        'src/delivery/message.ts': `import '../headers.ts'`,
        'src/routes/table.ts': `import '../headers.ts'\nimport '../destinations.ts'`,
        'src/access/identity.ts': '',
        'src/headers.ts': '',
        'src/destinations.ts': '',
        'src/bus/bus.ts': '',
        'src/bridge.ts': `import './stomp/session.ts'\nimport './http/app.ts'\nimport './redis/redis-bus.ts'`,
        'src/debug/endpoints.ts': `import { Hono } from 'hono'\nimport '../http/app.ts'\nimport '../client/client.ts'`,
        'src/config.ts': `import './config/limits.ts'\nexport const port = process.env.PORT`,
        'src/config/limits.ts': '',
        'src/socket.ts': 'export interface Socket {}',
        'src/redis/redis-bus.ts': `import { Redis } from 'ioredis'\nimport '../bus/bus.ts'`,
        'src/http/app.ts': `import { Hono } from 'hono/tiny'\nimport x from '@hono/zod-openapi'`,
        'src/runtime/node.ts': `import { WebSocketServer } from 'ws'\nimport '../socket.ts'\nimport 'node:http'`,
        'src/version.ts': `import pkg from '../package.json' with { type: 'json' }`,
        'src/runtime/found.ts': `export const isBun = typeof Bun === 'object'`,
        'frames/index.ts': '',
      }),
    ).toEqual([])
  })

  it.each([
    ['src/runtime/bun.ts', '../log.ts', 'src/log.ts'],
    ['src/backend/backend.ts', '../log.ts', 'src/log.ts'],
    ['src/bridge.ts', './backend/index.ts', 'src/backend/index.ts'],
    ['src/errors.ts', './log.ts', 'src/log.ts'],
    ['src/config/limits.ts', '../config.ts', 'src/config.ts'],
    ['src/routes/table.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['frames/frame.ts', '../src/log.ts', 'src/log.ts'],
    ['web-debugger/app.ts', '../src/log.ts', 'src/log.ts'],
    ['src/bus/bus.ts', 'stomp-bridge/frames', 'frames/index.ts'],
    ['src/stomp-client/client.ts', '../headers.ts', 'src/headers.ts'],
    ['src/stomp-client/client.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['src/stomp/session.ts', '../stomp-client/client.ts', 'src/stomp-client/client.ts'],
    ['src/stomp/session.ts', '../http/upgrade.ts', 'src/http/upgrade.ts'],
    ['src/raw/connection.ts', '../stomp/session.ts', 'src/stomp/session.ts'],
    ['src/raw/connection.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['src/sse/stream.ts', '../raw/connection.ts', 'src/raw/connection.ts'],
    ['src/sse/stream.ts', '../http/json-error.ts', 'src/http/json-error.ts'],
    ['src/sockjs/door.ts', '../stomp/session.ts', 'src/stomp/session.ts'],
    ['src/sockjs/door.ts', '../client/client.ts', 'src/client/client.ts'],
    ['src/http/upgrade.ts', '../stomp/session.ts', 'src/stomp/session.ts'],
    ['src/http/upgrade.ts', '../debug/endpoints.ts', 'src/debug/endpoints.ts'],
    ['src/http/upgrade.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['src/client/client.ts', '../stomp/session.ts', 'src/stomp/session.ts'],
    ['src/client/client.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['src/access/authenticator.ts', '../client/client.ts', 'src/client/client.ts'],
    ['src/broker/broker.ts', '../client/client.ts', 'src/client/client.ts'],
    ['src/broker/broker.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['src/delivery/message.ts', '../routes/table.ts', 'src/routes/table.ts'],
    ['src/delivery/message.ts', '../broker/broker.ts', 'src/broker/broker.ts'],
    ['src/delivery/message.ts', '../../frames/index.ts', 'frames/index.ts'],
    ['src/routes/table.ts', '../delivery/message.ts', 'src/delivery/message.ts'],
    ['src/bus/bus.ts', '../routes/table.ts', 'src/routes/table.ts'],
    ['src/bus/bus.ts', '../redis/connection.ts', 'src/redis/connection.ts'],
    ['src/broker/broker.ts', '../redis/connection.ts', 'src/redis/connection.ts'],
    ['src/redis/connection.ts', '../broker/broker.ts', 'src/broker/broker.ts'],
    ['src/bus/bus.ts', '../../test/support/wait.ts', 'test/support/wait.ts'],
    ['frames/frame.ts', '../package.json', 'package.json'],
  ])('catches %s importing %s', (file, specifier, target) => {
    const others = {
      'src/backend/index.ts': '',
      'src/log.ts': '',
      'src/config.ts': '',
      'frames/index.ts': '',
      'src/redis/redis-bus.ts': '',
    }
    const [problem, ...more] = problems({ ...others, [file]: `import '${specifier}'` })
    expect(problem).toContain(`${file}:1 imports ${target}, but `)
    expect(more).toEqual([])
  })

  it('catches a file that belongs to no area, a missing file and a computed import', () => {
    expect(
      problems({
        'src/utils.ts': '',
        'src/access/who.ts': `import './nobody.ts'\nexport const load = (name: string) => import(name)`,
      }),
    ).toEqual([
      'src/utils.ts belongs to no area: give it a place in the table',
      'src/access/who.ts:1 imports src/access/nobody.ts, which does not exist',
      'src/access/who.ts:2 imports a computed path',
    ])
  })

  it('catches a cycle, also by import type', () => {
    expect(
      problems({
        'src/broker/a.ts': `import './b.ts'`,
        'src/broker/b.ts': `export type { C } from './c.ts'`,
        'src/broker/c.ts': `import type { A } from './a.ts'`,
        'src/broker/d.ts': `import './a.ts'`,
      }),
    ).toEqual(['Cycle: src/broker/a.ts -> src/broker/b.ts -> src/broker/c.ts -> src/broker/a.ts'])
  })

  it.each([
    ['src/broker/x.ts', `import { Redis } from 'ioredis'`, '"ioredis", which belongs in src/redis/'],
    ['src/bus/x.ts', `import { Redis } from 'ioredis'`, '"ioredis", which belongs in src/redis/'],
    ['src/bridge.ts', `import type { Hono } from 'hono'`, '"hono", which belongs in src/http/, src/debug/'],
    [
      'src/stomp/x.ts',
      `import { z } from '@hono/zod-openapi'`,
      '"@hono/zod-openapi", which belongs in src/http/, src/debug/',
    ],
    [
      'src/http/x.ts',
      `import { serve } from '@hono/node-server'`,
      '"@hono/node-server", which belongs in src/runtime/',
    ],
    ['src/stomp/x.ts', `import WebSocket from 'ws'`, '"ws", which belongs in src/runtime/'],
    ['src/http/x.ts', `import { createServer } from 'http'`, '"http", which belongs in src/runtime/'],
    ['src/bus/x.ts', `import { connect } from 'node:net'`, '"node:net", which belongs in src/runtime/'],
    ['src/access/x.ts', `import { password } from 'bun'`, '"bun", which belongs in src/runtime/'],
    ['src/broker/x.ts', `import { Gauge } from 'prom-client'`, '"prom-client", which belongs in src/metrics.ts'],
    ['src/http/x.ts', `import { h } from 'preact'`, '"preact", which belongs in web-debugger/'],
    ['frames/x.ts', `import { inspect } from 'node:util'`, '"node:util", but frames imports nothing from outside'],
    ['frames/x.ts', `import type { z } from 'zod'`, '"zod", but frames imports nothing from outside'],
    ['src/stomp-client/x.ts', `import 'node:util'`, '"node:util", but stomp-client imports only @stomp/stompjs'],
    [
      'src/stomp/x.ts',
      `import '@stomp/stompjs'`,
      '"@stomp/stompjs", which belongs in web-debugger/, src/stomp-client/',
    ],
  ])('catches in %s: %s', (file, line, problem) => {
    expect(problems({ [file]: line })).toEqual([expect.stringContaining(`${file}:1 imports ${problem}`)])
  })

  it.each([
    ['Bun', 'Bun.serve({})'],
    ['Bun', 'export type Server = Bun.Server'],
    ['Deno', `globalThis.Deno.exit()`],
    ['Deno', `globalThis['Deno']`],
    ['Bun', `if ('Bun' in globalThis) run()`],
    ['Bun', 'const { Bun } = globalThis'],
    ['Bun', 'run({ Bun })'],
    ['the environment', 'run(process.env.PORT)'],
    ['the environment', 'const { env } = process'],
    ['the environment', `process['env']`],
    ['the environment', 'globalThis.process.env'],
    ['the environment', `import { env } from 'node:process'`],
    ['the environment', 'import.meta.env.PORT'],
  ])('catches the use of %s: %s', (subject, line) => {
    expect(problems({ 'src/stomp/x.ts': line })).toEqual([
      expect.stringContaining(`src/stomp/x.ts:1 uses ${subject}, which belongs in src/`),
    ])
  })

  it('catches what only servers have in frames and in the client, and there alone', () => {
    const line = 'export const x = Buffer.from([])'
    const files = { 'frames/x.ts': line, 'src/stomp-client/x.ts': line, 'src/log.ts': 'process.hrtime()' }
    expect(problems(files)).toEqual([
      'frames/x.ts:1 uses Buffer, which a browser does not have',
      'src/stomp-client/x.ts:1 uses Buffer, which a browser does not have',
    ])
  })

  it('is not misled by properties and declarations of those names', () => {
    const line = 'export const names = { Bun: 1, env: 2 }\nlog(names.Bun, names.env)\ninterface Names { Deno: 1 }'
    expect(problems({ 'src/stomp/x.ts': line })).toEqual([])
  })

  it('catches mutable module state', () => {
    const lines = ['let next = 0', 'export var last = 1', 'const fine = () => {', '  let local = 0', '}']
    expect(problems({ 'frames/x.ts': lines.join('\n'), 'web-debugger/app.ts': 'let page = 1' })).toEqual([
      'frames/x.ts:1 keeps module state in "next": two bridges can live in one process',
      'frames/x.ts:2 keeps module state in "last": two bridges can live in one process',
    ])
  })
})

/** The sources by path, as they are imported; assets are there too, unread. */
function readSources(): Map<string, string> {
  const files = new Map<string, string>()
  for (const folder of ['src', 'frames', 'web-debugger']) {
    if (!existsSync(join(ROOT, folder))) continue
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = posix.relative(ROOT, posix.join(entry.parentPath, entry.name))
      files.set(path, isCode(path) ? readFileSync(join(ROOT, path), 'utf8') : '')
    }
  }
  // Written by a build that may not have run; what is committed is its declaration.
  files.set('web-debugger/built/assets.js', '')
  return files
}

/** All breaks of the tables above, each as a line for people. */
function check(files: ReadonlyMap<string, string>): string[] {
  const problems: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, text] of files) {
    if (!isCode(file)) continue
    const area = areaOf(file)
    if (!area) {
      problems.push(`${file} belongs to no area: give it a place in the table`)
      continue
    }
    const { imports, globals, environment, state } = readFacts(file, text)
    const targets: string[] = []
    graph.set(file, targets)
    const report = (line: number, problem: string | undefined) => problem && problems.push(`${file}:${line} ${problem}`)
    for (const { name: specifier, line } of imports) {
      const target = resolve(file, specifier)
      report(line, target ? importProblem(file, target, files) : packageProblem(file, specifier))
      if (target) targets.push(target)
    }
    for (const { name, line } of globals) report(line, globalProblem(file, name))
    for (const { line } of environment) report(line, placeProblem(file, 'the environment', ENVIRONMENT))
    if (area === 'web-debugger') continue // A page is one of its kind.
    for (const { name, line } of state) {
      report(line, `keeps module state in "${name}": two bridges can live in one process`)
    }
  }
  return [...problems, ...cyclesOf(graph)]
}

function isCode(file: string): boolean {
  return /\.[mc]?[jt]sx?$/.test(file)
}

function isIn(file: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))
}

function areaOf(file: string): string | undefined {
  return Object.keys(AREAS).find((area) => isIn(file, AREAS[area]!.places))
}

function importProblem(file: string, target: string, files: ReadonlyMap<string, string>): string | undefined {
  if (target === 'package.json' && file.startsWith('src/')) return undefined
  const area = areaOf(file)!
  const { mayImport } = AREAS[area]!
  const targetArea = areaOf(target) ?? 'none'
  const isAllowed = [target, targetArea, ...(ALSO[targetArea] ?? [])].some((name) => mayImport.includes(name))
  if (isAllowed) return files.has(target) ? undefined : `imports ${target}, which does not exist`
  return `imports ${target}, but ${area} may import only ${mayImport.join(', ') || 'nothing of ours'}`
}

/** The path of a file of ours; undefined for a package. */
function resolve(file: string, specifier: string | undefined): string | undefined {
  if (specifier?.startsWith('.')) return posix.join(posix.dirname(file), specifier)
  if (specifier === 'stomp-bridge') return 'src/index.ts'
  if (specifier === 'stomp-bridge/frames') return 'frames/index.ts'
  if (specifier === 'stomp-bridge/client') return 'src/stomp-client/index.ts'
  return undefined
}

function packageProblem(file: string, specifier: string | undefined): string | undefined {
  if (specifier === undefined) return 'imports a computed path'
  const area = areaOf(file)!
  const only = NOTHING_ELSE[area]
  if (only && !only.includes(specifier)) {
    return `imports "${specifier}", but ${area} imports ${only.length ? `only ${only.join(', ')}` : 'nothing from outside'}`
  }
  const name = isBuiltin(specifier) && !specifier.includes(':') ? `node:${specifier}` : specifier
  const fits = (row: string) => name === row || name.startsWith(/[/:]$/.test(row) ? row : `${row}/`)
  const row = PACKAGES.find(({ names }) => names.some(fits))
  const isAtHome = !row || isIn(file, row.places)
  return isAtHome ? undefined : `imports "${specifier}", which belongs in ${row.places.join(', ')}`
}

function globalProblem(file: string, name: string): string | undefined {
  if (NOTHING_ELSE[areaOf(file)!] && SERVER_GLOBALS.includes(name)) return `uses ${name}, which a browser does not have`
  return placeProblem(file, name, GLOBALS.get(name) ?? [file])
}

function placeProblem(file: string, what: string, places: readonly string[]): string | undefined {
  return isIn(file, places) ? undefined : `uses ${what}, which belongs in ${places.join(', ')}`
}
