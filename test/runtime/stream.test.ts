/** Responses that go on, on each runtime, with real connections: one list of cases for all, also over TLS. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRuntime } from '../../src/runtime/node.ts'
import { makeCertificates, type Certificates, type Pair } from '../redis/tls.ts'
import { casesFor, runCases } from './stream-suite.ts'

type Failures = Readonly<Record<string, string>>

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SUITE = join(ROOT, 'test/runtime/stream-suite.ts')

async function runProgram(program: string, args: readonly string[], pair?: Pair): Promise<Failures> {
  const all = pair ? [...args, pair.cert, pair.key] : args
  const { stdout, stderr } = await promisify(execFile)(program, all, { cwd: ROOT, timeout: 110_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Failures
}

const RUNTIMES: Readonly<Record<string, (pair?: Pair) => Promise<Failures>>> = {
  bun: (pair) => runProgram(join(ROOT, 'node_modules/.bin/bun'), [SUITE, 'bun'], pair),
  deno: (pair) => {
    const args = ['run', '-A', '--no-lock', SUITE, 'deno']
    return runProgram(process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), args, pair)
  },
  node: (pair) => {
    const certificate = pair && { cert: readFileSync(pair.cert, 'utf8'), key: readFileSync(pair.key, 'utf8') }
    return runCases(createRuntime(), certificate)
  },
}

describe.each(Object.keys(RUNTIMES))('a response that goes on, on %s', (runtime) => {
  let failures: Failures
  beforeAll(async () => {
    failures = await RUNTIMES[runtime]!()
  }, 120_000)

  it.each(casesFor(false))('%s', (name) => {
    expect(failures[name]).toBeUndefined()
  })
})

describe('a response that goes on, over TLS', () => {
  let certificates: Certificates
  beforeAll(() => {
    certificates = makeCertificates()
  })
  afterAll(() => certificates.remove())

  describe.each(Object.keys(RUNTIMES))('on %s', (runtime) => {
    let failures: Failures
    beforeAll(async () => {
      failures = await RUNTIMES[runtime]!(certificates.server)
    }, 120_000)

    it.each(casesFor(true))('%s', (name) => {
      expect(failures[name]).toBeUndefined()
    })
  })
})
