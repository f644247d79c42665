/** The bridge itself, on each runtime, and the bare server that is the limit of what it can reach. */
import { existsSync } from 'node:fs'
import { commandContender, publishOnRedis, type Contender } from '../contender.ts'
import type { Protocol } from '../fleet.ts'
import type { Stage } from '../stage.ts'
import { fromRoot, installed } from './paths.ts'

/** STOMP clients of the bridge; `{n}` in destination and id is the client's number. */
export function stompClients(
  destination: string,
  { id = 'sub-0', heartBeat = '0,0' }: { id?: string; heartBeat?: string } = {},
): Protocol {
  return {
    path: '/stomp',
    hello: [
      { send: `CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:${heartBeat}\n\n\0`, until: 'CONNECTED' },
      { send: `SUBSCRIBE\nid:${id}\ndestination:${destination}\nreceipt:r\n\n\0`, until: 'RECEIPT' },
    ],
  }
}

/** STOMP clients that only send. */
export const SENDERS: Protocol = {
  path: '/stomp',
  hello: [{ send: 'CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:0,0\n\n\0', until: 'CONNECTED' }],
}

/** The bridge on a runtime: its command, and why it cannot run if it cannot. */
export interface Way {
  readonly name: string
  readonly command: readonly string[]
  readonly missing?: string
}

const ON_BUN: Way = { name: 'stomp-bridge', command: [installed('bun'), fromRoot('src/main.ts')] }
const ON_NODE: Way = {
  name: 'stomp-bridge on Node',
  command: [process.env['NODE'] ?? 'node', fromRoot('dist/main.js')],
  ...(existsSync(fromRoot('dist/main.js')) ? {} : { missing: 'not built: npm run build' }),
}
const ON_DENO: Way = {
  name: 'stomp-bridge on Deno',
  command: [process.env['DENO'] || installed('deno'), 'run', '-A', '--no-lock', fromRoot('src/main.ts')],
}

/** The bridge on each runtime. */
export const WAYS: readonly Way[] = [ON_BUN, ON_NODE, ON_DENO]

function bridgeOn({ name, command, missing }: Way): Contender {
  return commandContender(name, missing, command, (stage, channel) => ({
    subscriber: stompClients(`/topic/${channel}`),
    publish: (bodies) => publishOnRedis(stage, channel, bodies),
  }))
}

export const BRIDGE = bridgeOn(ON_BUN)
export const BRIDGE_ON_NODE = bridgeOn(ON_NODE)
export const BRIDGE_ON_DENO = bridgeOn(ON_DENO)

/** The bridge with these settings, under a name of its own; by default on Bun. */
export function bridgeWith(name: string, settings: Readonly<Record<string, string>>, way = ON_BUN): Contender {
  const describe = (stage: Stage, channel: string) => ({
    subscriber: stompClients(`/topic/${channel}`),
    publish: (bodies: readonly string[]) => publishOnRedis(stage, channel, bodies),
  })
  const contender = commandContender(name, way.missing, way.command, describe, settings)
  return {
    ...contender,
    async start(stage, channel) {
      const running = await contender.start(stage, channel)
      await untilReady(running.server.port)
      return running
    },
  }
}

/** Before it has asked Redis what is revoked it lets nobody in. */
async function untilReady(port: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if ((await fetch(`http://127.0.0.1:${port}/ready`)).ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The bridge does not become ready')
}

/** Whether permessage-deflate is on or off, with clients that offer it either way. */
function bridgeWithCompression({ name, command, missing }: Way, isOn: boolean): Contender {
  return commandContender(
    `${name}, ${isOn ? 'on' : 'off'}`,
    missing,
    command,
    (stage, channel) => ({
      subscriber: {
        ...stompClients(`/topic/${channel}`),
        headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' },
        countsFrames: true,
      },
      publish: (bodies) => publishOnRedis(stage, channel, bodies),
    }),
    { STOMP_BRIDGE_SERVER_COMPRESSION: String(isOn) },
  )
}

/** Each runtime with compression off, and behind it with compression on. */
export const COMPRESSION_PAIRS = WAYS.map(
  (way) => [bridgeWithCompression(way, false), bridgeWithCompression(way, true)] as const,
)

/** The limit: `Bun.serve` and `server.publish` of the same bytes, without STOMP and without Redis. */
export const BARE = commandContender(
  'bare server.publish',
  undefined,
  [installed('bun'), fromRoot('bench/peers/bare-bun.ts')],
  (_stage, _channel, port) => ({
    subscriber: { path: '/', hello: [{ send: 'ready?', until: 'ready?' }] },
    publish: (bodies) =>
      fetch(`http://127.0.0.1:${port}/publish?count=${bodies.length}`, { method: 'POST', body: bodies[0]! }).then(
        (response) => response.arrayBuffer(),
      ),
  }),
)
