/** The bridge itself, on each runtime, and the bare server that is the limit of what it can reach. */
import { existsSync } from 'node:fs'
import { commandContender, publishOnRedis, type Contender } from '../contender.ts'
import type { Protocol } from '../fleet.ts'
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

function bridgeOn(name: string, command: readonly string[], missing?: string): Contender {
  return commandContender(name, missing, command, (stage, channel) => ({
    subscriber: stompClients(`/topic/${channel}`),
    publish: (bodies) => publishOnRedis(stage, channel, bodies),
  }))
}

export const BRIDGE = bridgeOn('stomp-bridge', [installed('bun'), fromRoot('src/main.ts')])
export const BRIDGE_ON_NODE = bridgeOn(
  'stomp-bridge on Node',
  [process.env['NODE'] ?? 'node', fromRoot('dist/main.js')],
  existsSync(fromRoot('dist/main.js')) ? undefined : 'not built: npm run build',
)
export const BRIDGE_ON_DENO = bridgeOn('stomp-bridge on Deno', [
  ...[process.env['DENO'] || installed('deno'), 'run', '-A', '--no-lock'],
  fromRoot('src/main.ts'),
])
/** The row of the setting for permessage-deflate; its clients will have to inflate what they count. */
export const BRIDGE_DEFLATE: Contender = {
  ...BRIDGE,
  name: 'stomp-bridge, permessage-deflate',
  missing: 'the bridge has no such setting yet',
}

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
