/**
 * What the examples are run with: their own programs as processes, and their own configuration on a bridge. Owns how both
 * get free ports without being changed: the programs by their environment, the configuration by a copy.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { adopt, spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { untilReady } from '../../../support/world.ts'

const EXAMPLES = fileURLToPath(new URL('../../../../examples/', import.meta.url))

type Texts = Readonly<Record<string, string>>

/** `file`: from the folder of examples. */
export function examplePath(file: string): string {
  return join(EXAMPLES, file)
}

export function readExample(file: string): string {
  return readFileSync(examplePath(file), 'utf8')
}

export interface Program {
  /** The first line that it has written. */
  readonly line: string
  /** Ends it as kill -9 does. */
  kill(): Promise<void>
}

/**
 * Starts a program for the length of the file; resolves when it has written a line.
 * Errors: rejects when it ends before.
 */
export async function spawnProgram(command: string, file: string, env: Texts): Promise<Program> {
  const child = spawn(command, [examplePath(file)], {
    env: { PATH: process.env.PATH, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  adopt(child)
  const exited = once(child, 'exit')
  afterAll(async () => {
    child.kill()
    await exited
  })
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => Promise.reject(new Error(`${command} ${file} has ended`))),
  ])) as [string]
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return { line, kill }
}

/** Starts a server as `spawnProgram` does, on a free port; resolves with the address that it says. */
export async function startProgram(command: string, file: string, env: Texts): Promise<string> {
  const { line } = await spawnProgram(command, file, env)
  return /http:\/\/\S+/.exec(line)![0]
}

/**
 * Copies the configuration of an example for the length of the file; returns the path. `moved`: texts in it that have
 * another value here.
 */
export function copyConfig(file: string, moved: Texts = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  let config = readExample(file)
  for (const [from, to] of Object.entries(moved)) {
    expect(config).toContain(from)
    config = config.replaceAll(from, to)
  }
  const path = join(directory, 'bridge.yaml')
  writeFileSync(path, config)
  return path
}

/** Starts a bridge, on a free port unless told; resolves when it is ready. It ends as `spawnBridge` says. */
export async function startNode(configPath: string, redisUrl: string, port = 0): Promise<BridgeProcess> {
  // The environment beats the file.
  const env = { REDIS_URL: redisUrl, PORT: String(port) }
  const node = await spawnBridge({ runtime: 'bun', args: ['--config', configPath], env })
  await untilReady(node)
  return node
}

/** Starts two bridges with the configuration of an example, for the length of the file. `moved`: as above. */
export async function startNodes(file: string, redisUrl: string, moved: Texts = {}): Promise<BridgeProcess[]> {
  const path = copyConfig(file, moved)
  return [await startNode(path, redisUrl), await startNode(path, redisUrl)]
}

/** Returns the argument with which Chromium goes to the free ports where a page says the ports of the README. */
export function hostRules(ports: Readonly<Record<number, BridgeProcess | undefined>>): string {
  const rules = Object.entries(ports).map(([port, node]) => `MAP localhost:${port} 127.0.0.1:${node!.port}`)
  return `--host-resolver-rules=${rules.join(',')}`
}

/** Posts JSON; resolves with the status and the JSON of the answer. */
export async function postJson(url: string, body: unknown, headers: Texts = {}): Promise<[number, unknown]> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text }
  const response = await fetch(url, init)
  return [response.status, await response.json()]
}
