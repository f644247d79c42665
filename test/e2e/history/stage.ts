/**
 * What the suites of history stand on: two bridges with one configuration on one Redis that keeps what it was told, and
 * clients that say what came to a subscription. Knows the bridge only from outside.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, expect, onTestFinished } from 'vitest'
import type { Frame } from '../../../frames/index.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { startRedis, type RedisServer } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { untilReady } from '../../support/world.ts'
import { configFile, subscribing } from '../access/stage.ts'

export interface HistoryNodes {
  readonly redis: RedisServer
  readonly backend: Redis
  readonly a: BridgeProcess
  readonly b: BridgeProcess
  /** One more with the same configuration, which goes with the test or the file that asks. */
  startAnother(env?: Readonly<Record<string, string>>): Promise<BridgeProcess>
}

/** For `beforeAll`. `config`: YAML. The log of Redis is written before it answers: a restart forgets nothing. */
export async function startHistoryNodes(config: string): Promise<HistoryNodes> {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-history-'))
  // Behind the options of the server: the last of a name counts, and this directory outlives a restart.
  const redis = await startRedis({ args: ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'always'] })
  afterAll(async () => {
    await redis.stop()
    await rm(directory, { recursive: true, force: true })
  })
  const args = ['--config', configFile(config)]
  const startAnother: HistoryNodes['startAnother'] = async (env = {}) => {
    const bridge = await spawnBridge({ runtime, args, env: { REDIS_URL: redis.url, ...env } })
    await untilReady(bridge)
    return bridge
  }
  const [a, b] = [await startAnother(), await startAnother()]
  return { redis, backend: await redis.client(), a, b, startAnother }
}

/** Where a subscription was. */
export interface Place {
  readonly offset: string
  readonly epoch: string
}

/** A client that is in, until the test is over. */
export async function enter(bridge: BridgeProcess, connect: Readonly<Record<string, string>> = {}): Promise<StompPeer> {
  const peer = await connectPeer({ url: bridge.wsUrl, timeoutMs: 15_000 })
  onTestFinished(() => peer.terminate())
  await peer.stompConnect({ 'accept-version': '1.2', ...connect })
  return peer
}

/** Asks, and gives the marker, which has to be the next frame, before the RECEIPT. */
export async function ask(
  peer: StompPeer,
  destination: string,
  headers: Readonly<Record<string, string>>,
): Promise<Frame> {
  subscribing(peer, destination, { receipt: 'asked', ...headers })
  const marker = await peer.expect('MESSAGE', { event: 'position', destination, ack: undefined })
  await peer.receipt('asked')
  return marker
}

/** The headers by which a subscription goes on from there. */
export function since({ offset, epoch }: Place): Record<string, string> {
  return { since: offset, epoch }
}

export function placeOf({ headers }: Frame): Place {
  const [offset, epoch] = [headers.get('offset'), headers.get('epoch')]
  if (offset === undefined || epoch === undefined) throw new Error('There is no offset and epoch in the frame')
  return { offset, epoch }
}

/** The next so many messages; none of them is a marker. */
export async function messages(peer: StompPeer, count: number): Promise<Frame[]> {
  const came: Frame[] = []
  while (came.length < count) came.push(await peer.expect('MESSAGE', { event: undefined }))
  return came
}

export async function bodies(peer: StompPeer, count: number): Promise<string[]> {
  return (await messages(peer, count)).map(bodyText)
}

/** `prefix1` and so on. */
export function numbered(prefix: string, from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `${prefix}${from + i}`)
}

/** Takes messages by HTTP, in order; each has to be taken. */
export async function post({ url }: { readonly url: string }, topic: string, texts: readonly unknown[]): Promise<void> {
  for (let at = 0; at < texts.length; at += 500) {
    const batch = texts.slice(at, at + 500).map((message) => ({ topic, message }))
    const { status, json } = await http(url, 'POST', '/api/notifications', batch)
    expect(status).toBe(200)
    expect((json as { results: { ok: boolean }[] }).results.every(({ ok }) => ok)).toBe(true)
  }
}

export async function http(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly json: unknown }> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

export interface Page extends Place {
  readonly recovered?: boolean
  readonly messages: {
    readonly offset: string
    readonly timestamp: number
    readonly body: string
    readonly contentType?: string
    readonly encoding?: string
    readonly headers: Record<string, string>
  }[]
}

/** A page of the history by HTTP. */
export async function page(
  { url }: { readonly url: string },
  destination: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const { status, json } = await http(
    url,
    'GET',
    `/api/history?${String(new URLSearchParams({ destination, ...query }))}`,
  )
  expect(status).toBe(200)
  return json as Page
}

/** Compares as the contract says: numerically, part by part. */
export function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((offset) => offset.split('-').map(BigInt))
  for (let i = 0; i < 2; i++) {
    const difference = (x![i] ?? 0n) - (y![i] ?? 0n)
    if (difference !== 0n) return difference < 0n ? -1 : 1
  }
  return 0
}

/** Everything that it was sent has been answered: nothing else is on its way. */
export async function quiet(peer: StompPeer): Promise<void> {
  peer.send(frameText('BEGIN', { transaction: 'quiet', receipt: 'quiet' }))
  await peer.receipt('quiet')
  peer.send(frameText('ABORT', { transaction: 'quiet' }))
}
