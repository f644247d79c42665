/** Several workers, as they are seen from outside: who serves whom, which processes there are, what one says for all. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import type { BridgeProcess } from '../support/process.ts'
import { connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { eventually } from '../support/wait.ts'

const execute = promisify(execFile)

export interface Client {
  readonly peer: StompPeer
  /** Names the process that serves it. */
  readonly node: string
}

/** A client with a subscription to /topic/all. */
export async function subscribe(url: string): Promise<Client> {
  const peer = await connectPeer({ url })
  onTestFinished(() => peer.terminate())
  const { headers } = await peer.stompConnect()
  peer.send(frameText('SUBSCRIBE', { destination: '/topic/all', id: '1', receipt: 'live' }))
  await peer.receipt('live')
  return { peer, node: headers.get('session')!.split('-')[0]! }
}

/** So many clients that each worker has one. */
export async function subscribeOnAll(url: string, workers: number): Promise<Client[]> {
  const clients: Client[] = []
  while (new Set(clients.map(({ node }) => node)).size < workers) {
    clients.push(...(await Promise.all(Array.from({ length: workers }, () => subscribe(url)))))
    if (clients.length > 300) throw new Error(`${clients.length} connections all went to the same workers`)
  }
  return clients
}

/** The process of each worker, by its number, as the supervisor logs them. */
export function pidsOf(bridge: BridgeProcess): Map<number, number> {
  const started = bridge.logs().filter(({ msg }) => msg === 'Worker started')
  return new Map(started.map(({ worker, workerPid }) => [worker as number, workerPid as number]))
}

export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await execute('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' })) // 1: none
  return stdout.split('\n').filter(Boolean).map(Number)
}

/** It may have ended by itself. */
export function kill(pid: number): void {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL')
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    // What has ended is there until its parent looks, which for an orphan is the first process of the machine.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

/** A request on a connection of its own, which may go to any worker. Rejects when nobody answers in time. */
export async function ask(
  url: string,
  { timeoutMs = 5000, json = '', method = 'GET' } = {},
): Promise<{ status: number; body: string }> {
  const headers = { 'content-type': 'application/json' }
  const asking = request(url, {
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    ...(json === '' ? { method } : { method: 'POST', headers }),
  })
  asking.end(json)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
  return { status: response.statusCode ?? 0, body }
}

export async function post({ url }: BridgeProcess, message: string): Promise<void> {
  const json = JSON.stringify({ topic: '/topic/all', message })
  expect(await ask(`${url}/api/notification`, { json })).toEqual({ status: 200, body: '' })
}

export function ready({ url }: BridgeProcess): Promise<void> {
  const answers = async () => expect(await ask(`${url}/ready`)).toEqual({ status: 200, body: '{"status":"ready"}' })
  return eventually(answers, { timeoutMs: 10_000 })
}

/** Waits until `/ready` answers 503 for such reasons, and gives them. */
export function notReady({ url }: BridgeProcess, wanted: RegExp): Promise<string[]> {
  return eventually(async () => {
    const { status, body } = await ask(`${url}/ready`)
    expect(status).toBe(503)
    const { reasons } = JSON.parse(body) as { reasons: string[] }
    expect(reasons.join()).toMatch(wanted)
    return reasons
  })
}

/** Values by name and labels. */
export async function metricsOf({ url }: BridgeProcess): Promise<Record<string, number>> {
  const { body } = await ask(`${url}/metrics`)
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

/** Fails when the port is in use. */
export async function takePort(port: number): Promise<void> {
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true })
  await once(server, 'listening')
  expect((server.address() as AddressInfo).port).toBe(port)
  await new Promise((closed) => server.close(closed))
}
