/**
 * What every conformance case stands on: connections to the bridge under test on one transport, a Redis beside it, and
 * names that no other case uses. Owns them for the length of a case. The cases are in the files beside this one.
 */
import { Buffer } from 'node:buffer'
import type { Redis } from 'ioredis'
import { expect } from 'vitest'
import { Command, type Frame, type Version } from '../../../frames/index.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { connectPeer, frameText, type PeerOptions, type StompPeer } from '../../support/stomp-peer.ts'
import { waitFor } from '../../support/wait.ts'
import type { World } from '../../support/world.ts'

export type Transport = 'WebSocket' | 'TCP'

/** Short, so that cases about time are quick; long enough that a busy machine keeps them. */
export const TIMES = { outgoingMs: 400, incomingMs: 300, toleranceFactor: 2, connectTimeoutMs: 2_000, lingerMs: 300 }

const ROUTES = {
  outbound: [
    { destination: '/app/greet', channel: 'GREETING_CHANNEL_OUTBOUND', codec: 'json-string' },
    { destination: '/app/orders/{id}', channel: 'orders:{id}:out', codec: 'envelope' },
    { destination: '/app/raw/{name}', channel: 'raw:{name}', codec: 'raw' },
    { destination: '/app/json/{name}', channel: 'json:{name}', codec: 'json' },
  ],
  inbound: [
    { channel: 'GREETING_CHANNEL_INBOUND', destination: '/topic/greetings', codec: 'json-string' },
    { channel: 'prices:{symbol}', destination: '/topic/prices/{symbol}', codec: 'json' },
    { channel: 'in:{name}', destination: '/topic/in/{name}', codec: 'raw' },
    { channel: 'orders:{id}:in', destination: '/topic/orders/{id}', codec: 'envelope' },
  ],
}

/** The settings of the bridge under test: all limits are the defaults. */
export const SETTINGS = {
  LOG_LEVEL: 'debug',
  STOMP_BRIDGE_HEART_BEAT_OUTGOING_MS: `${TIMES.outgoingMs}`,
  STOMP_BRIDGE_HEART_BEAT_INCOMING_MS: `${TIMES.incomingMs}`,
  STOMP_BRIDGE_HEART_BEAT_TOLERANCE_FACTOR: `${TIMES.toleranceFactor}`,
  STOMP_BRIDGE_LIMITS_CONNECT_TIMEOUT_MS: `${TIMES.connectTimeoutMs}`,
  STOMP_BRIDGE_SHUTDOWN_LINGER_MS: `${TIMES.lingerMs}`,
  STOMP_BRIDGE_BROKER_RELEASE_DELAY_MS: '50',
  STOMP_BRIDGE_ROUTES_OUTBOUND: JSON.stringify(ROUTES.outbound),
  STOMP_BRIDGE_ROUTES_INBOUND: JSON.stringify(ROUTES.inbound),
}

/** What a Redis connection of the test has heard on its channels. */
export interface Ear {
  /** The next payload, as text. */
  next(): Promise<string>
  nextBytes(): Promise<Uint8Array>
  /** How many came and were not taken, when everything that Redis has sent this connection until now is here. */
  waiting(): Promise<number>
}

const counter = { last: 0 }

/** A name that no other case uses. */
export function unique(): string {
  return `t${process.pid.toString(36)}x${++counter.last}`
}

export class Stage {
  readonly transport: Transport
  readonly #world: () => World
  readonly #peers = new Set<StompPeer>()
  readonly #ears = new Set<Redis>()

  /** The world is there when the first case runs, not before. */
  constructor(transport: Transport, world: () => World) {
    this.transport = transport
    this.#world = world
  }

  get bridge(): BridgeProcess {
    return this.#world().bridge
  }

  get redis(): Redis {
    return this.#world().backend
  }

  /** Does something while Redis answers nothing, neither to the bridge nor to this stage. */
  async withoutRedis(act: () => Promise<void>): Promise<void> {
    const { redis } = this.#world()
    redis.pause()
    try {
      await act()
    } finally {
      redis.resume()
    }
  }

  get isWebSocket(): boolean {
    return this.transport === 'WebSocket'
  }

  /** A connection, not yet a session. */
  async open(options: Omit<PeerOptions, 'url'> = {}): Promise<StompPeer> {
    const { wsUrl, tcpPort } = this.bridge
    const peer = await connectPeer({ ...options, url: this.isWebSocket ? wsUrl : `tcp://127.0.0.1:${tcpPort}` })
    this.#peers.add(peer)
    return peer
  }

  /** A session of this version. */
  async connect(version: Version = '1.2', headers: Readonly<Record<string, string>> = {}): Promise<StompPeer> {
    const peer = await this.open()
    const connected = await peer.stompConnect({ 'accept-version': version, host: 'localhost', ...headers })
    expect(connected.headers.get('version')).toBe(version)
    return peer
  }

  /** A session with one live subscription, whose id is `sub` unless told. */
  async watch(
    version: Version,
    destination: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<StompPeer> {
    const peer = await this.connect(version)
    await this.subscribe(peer, destination, { id: 'sub', ...headers })
    return peer
  }

  /** Resolves when the subscription is live. */
  async subscribe(peer: StompPeer, destination: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const receipt = unique()
    peer.send(frameText('SUBSCRIBE', { destination, ...headers, receipt }))
    await peer.receipt(receipt)
  }

  /** Nothing but this receipt comes: whatever was asked for before had no other answer, and the session goes on. */
  async fence(peer: StompPeer): Promise<void> {
    const receipt = unique()
    // Ignored but for its receipt, in every version.
    peer.send(frameText('UNSUBSCRIBE', { id: `none-${receipt}`, receipt }))
    await peer.receipt(receipt)
  }

  /** Listens on Redis, from now on. */
  async listen(...channels: readonly string[]): Promise<Ear> {
    const connection = await this.#world().redis.client()
    this.#ears.add(connection)
    const heard: Uint8Array[] = []
    connection.on('messageBuffer', (_channel: Buffer, payload: Buffer) => heard.push(payload))
    await connection.subscribe(...channels)
    const nextBytes = async () => {
      await waitFor(() => heard.length > 0, { timeoutMs: 10_000, intervalMs: 1 })
      return heard.shift()!
    }
    return {
      nextBytes,
      next: async () => Buffer.from(await nextBytes()).toString(),
      waiting: async () => {
        await connection.ping()
        return heard.length
      },
    }
  }

  /** Waits until the bridge has let go of all patterns in Redis: while it has one, that serves single channels too. */
  async withoutPatterns(): Promise<void> {
    await waitFor(async () => (await this.redis.call('PUBSUB', 'NUMPAT')) === 0)
  }

  /** How many connections have subscribed to this channel in Redis; the bridge has one for all its clients. */
  async listeners(channel: string): Promise<number> {
    return ((await this.redis.call('PUBSUB', 'NUMSUB', channel)) as [string, number])[1]
  }

  /** Counters or gauges of `/metrics`, as they are together. */
  async metrics<Name extends string>(...names: readonly Name[]): Promise<Record<Name, number>> {
    const text = await (await fetch(`${this.bridge.url}/metrics`)).text()
    const values = names.map((name) => {
      const value = new RegExp(`^stomp_bridge_${name} (\\S+)$`, 'm').exec(text)?.[1]
      if (value === undefined) throw new Error(`There is no stomp_bridge_${name} in /metrics:\n${text.slice(0, 2000)}`)
      return [name, Number(value)]
    })
    return Object.fromEntries(values) as Record<Name, number>
  }

  async metric(name: string): Promise<number> {
    return (await this.metrics(name))[name]!
  }

  /** What a case has opened. */
  tidy(): void {
    for (const peer of this.#peers) peer.terminate()
    for (const ear of this.#ears) ear.disconnect()
    this.#peers.clear()
    this.#ears.clear()
  }
}

/**
 * The next frame is an ERROR with this code, complete and harmless, it names this receipt or none, nothing follows it,
 * and the connection is closed.
 */
export async function expectError(
  peer: StompPeer,
  code: string,
  { receipt, closeCode = 1002 }: { receipt?: string | undefined; closeCode?: number } = {},
): Promise<Frame> {
  const error = await peer.expect(Command.ERROR, { code, 'receipt-id': receipt, message: /./ })
  if (error.body.length > 0) {
    expect(error.headers.get('content-length')).toBe(String(error.body.length))
    expect(error.headers.get('content-type')).toMatch(/^text\/plain/)
  }
  const told = [...error.headers].join('\n') + Buffer.from(error.body).toString()
  expect(told).not.toMatch(/\.ts\b|\.js\b|\n\s+at |Error:|\bundefined\b|\[object/)
  const closing = await peer.closed
  expect(closing.code).toBe(peer.transport === 'websocket' ? closeCode : undefined)
  expect(Buffer.byteLength(closing.reason)).toBeLessThanOrEqual(123)
  expect(peer.afterError, 'frames after ERROR').toBe(0)
  return error
}

/** The next frame is a MESSAGE with this text. */
export async function expectMessage(
  peer: StompPeer,
  body: string,
  headers: Readonly<Record<string, string | RegExp | undefined>> = {},
): Promise<Frame> {
  const frame = await peer.expect(Command.MESSAGE, headers)
  expect(Buffer.from(frame.body).toString()).toBe(body)
  return frame
}
