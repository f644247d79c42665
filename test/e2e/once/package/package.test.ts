/** The npm package, installed into an empty project: what is in it, its types, its exports on each runtime, its command. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installPackage, type InstalledPackage } from '../../../support/installed-package.ts'
import { spawnBridge } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import type { RuntimeName } from '../../../support/runtime-names.ts'
import { eventually } from '../../../support/wait.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const TIMEOUT_MS = 240_000
const MAX_TARBALL_BYTES = 3 * 1024 * 1024

const execute = promisify(execFile)
const bun = join(ROOT, 'node_modules/.bin/bun')
const deno = process.env.DENO || join(ROOT, 'node_modules/.bin/deno')
/** Of Deno: what it would look for beside the project. */
const DENO_RUN = [deno, 'run', '-A', '--no-lock', '--node-modules-dir=manual'] as const

describe('the npm package', { timeout: TIMEOUT_MS }, () => {
  let installed: InstalledPackage
  let redis: RedisServer
  let compiled: Promise<unknown>
  /** TypeScript's complaints about the consumer; empty when there are none. */
  let complaints: (options: readonly string[]) => Promise<string>

  beforeAll(async () => {
    ;[installed, redis] = await Promise.all([installPackage(), startRedis()])
    await cp(join(ROOT, 'test/e2e/once/package/consumer.ts'), join(installed.project, 'consumer.ts'))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const typeRoots = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
    const strict = ['--strict', '--target', 'es2023', '--lib', 'es2023', ...typeRoots]
    complaints = (options) =>
      execute(process.execPath, [tsc, ...strict, ...options, 'consumer.ts'], { cwd: installed.project }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      )
  }, TIMEOUT_MS)
  afterAll(() => Promise.all([installed.remove(), redis.stop()]))

  it('is small, and holds what was built and no source', () => {
    expect(installed.tarball.length).toBeLessThan(MAX_TARBALL_BYTES)
    const expected =
      /^((README|CHANGELOG)\.md|LICENSE|package\.json|bridge\.(example\.yaml|schema\.json)|docs\/[\w-]+\.md|dist\/THIRD-PARTY-LICENSES\.txt|dist\/(runtime\/|chunks\/)?\w+\.js|dist\/types\/.+\.d\.ts)$/
    expect(installed.files.filter((path) => !expected.test(path))).toEqual([])
  })

  it('brings no other runtime, and each package once', () => {
    const path = (name: string) => join(installed.project, 'node_modules', name)
    expect(['bun', '@oven', 'preact', 'stomp-bridge/node_modules'].filter((name) => existsSync(path(name)))).toEqual([])
    expect(['hono', 'zod', 'ioredis'].filter((name) => !existsSync(path(name)))).toEqual([])
  })

  it('names the license of everything that is bundled', async () => {
    const text = await readFile(
      join(installed.project, 'node_modules/stomp-bridge/dist/THIRD-PARTY-LICENSES.txt'),
      'utf8',
    )
    for (const name of ['bun', 'hono', 'ioredis', 'preact', 'zod']) {
      expect(text, name).toMatch(new RegExp(`^${name} [\\d.]+: MIT$`, 'm'))
    }
  })

  it.each(['client', 'frames'])('has nothing of Node in ./%s, which is for browsers too', async (name) => {
    const imported = await importsOf(join(installed.project, 'node_modules/stomp-bridge/dist'), `${name}.js`)
    expect(imported).toEqual(name === 'client' ? ['@stomp/stompjs'] : [])
  })

  it('is clean for publint', async () => {
    const { messages } = await publint({ pack: { tarball: arrayBufferOf(installed.tarball) }, strict: true })
    expect(messages).toEqual([])
  })

  it('has types that resolve as its code does, for ES modules', async () => {
    const { types, problems } = (await checkPackage(createPackageFromTarballData(installed.tarball))) as {
      types: unknown
      problems: readonly { kind: string; resolutionKind?: string }[]
    }
    expect(types).toEqual({ kind: 'included' })
    // The profile "esm-only": there is no CommonJS in it, which Node 20.19 can require all the same.
    const others = problems.filter(({ resolutionKind }) => !/^node(10|16-cjs)$/.test(resolutionKind ?? ''))
    expect(others).toEqual([])
  })

  describe('in a program', () => {
    beforeAll(() => {
      // Reads every declaration that can be reached, and makes what the runtimes run.
      compiled = complaints(['--module', 'nodenext', '--moduleResolution', 'nodenext'])
    })

    it('has right types for Node and for bundlers', async () => {
      const bundlers = complaints(['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck', '--noEmit'])
      expect(await Promise.all([compiled, bundlers])).toEqual(['', ''])
    })

    it.each<{ runtime: RuntimeName; command: readonly string[] }>([
      { runtime: 'node', command: [process.execPath] },
      { runtime: 'bun', command: [bun] },
      { runtime: 'deno', command: DENO_RUN },
    ])('is used by every name that it exports, on $runtime', async ({ command: [file = '', ...args] }) => {
      await compiled
      const { stdout } = await execute(file, [...args, 'consumer.js', redis.url], { cwd: installed.project })
      expect(stdout.split('\n')).toEqual(['page: 200', 'client: Grüße 😀', 'frames: SEND', 'closed', ''])
    })
  })

  it.each<{ runtime: RuntimeName; command: readonly [string, ...string[]]; printed: string }>([
    { runtime: 'node', command: ['npx', 'stomp-bridge'], printed: 'Node' },
    { runtime: 'bun', command: [bun, 'x', '--bun', 'stomp-bridge'], printed: 'Bun' },
    { runtime: 'deno', command: [...DENO_RUN, 'npm:stomp-bridge'], printed: 'Deno' },
  ])('runs as $command.0 does it, with workers, until that is ended', async ({ runtime, command, printed }) => {
    await writeFile(join(installed.project, 'bridge.yaml'), 'server: { workers: 2 }\n')
    const env = { REDIS_URL: redis.url }
    const bridge = await spawnBridge({ runtime, command, env, cwd: installed.project })
    expect(bridge.stdout()).toMatch(new RegExp(`^stomp-bridge \\S+ on ${printed} `))
    expect((await fetch(`${bridge.url}/debugger/`)).status).toBe(200)
    await bridge.stop()
    // Also by those that npx does not pass its signals on to.
    await eventually(() => expect(isOpen(bridge.port)).resolves.toBe(false), { timeoutMs: 20_000 })
    expect(bridge.logs().filter(({ msg }) => msg === 'Stopped').length).toBeGreaterThan(0)
  })
})

/** The names of the packages that a built file imports, itself or by way of others. */
async function importsOf(directory: string, entry: string): Promise<string[]> {
  const names = new Set<string>()
  const waiting = new Set([entry])
  for (const file of waiting) {
    const text = await readFile(join(directory, file), 'utf8')
    for (const [, name = ''] of text.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
      if (name.startsWith('.')) waiting.add(posix.join(posix.dirname(file), name))
      else names.add(name)
    }
  }
  return [...names]
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
