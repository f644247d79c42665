/** The peers that are Node packages: Socket.IO with its Redis adapter, and stomp-broker-js. */
import { existsSync } from 'node:fs'
import { commandContender, publishOnRedis } from '../contender.ts'
import { fromRoot } from './paths.ts'

function missing(name: string): string | undefined {
  return existsSync(fromRoot(`bench/node_modules/${name}`)) ? undefined : 'not installed: npm install --prefix bench'
}

const node = process.env['NODE'] ?? 'node'

export const SOCKET_IO = commandContender(
  'Socket.IO + Redis',
  missing('socket.io'),
  [node, fromRoot('bench/peers/socket-io.mjs')],
  (stage, channel) => ({
    subscriber: { path: '/socket.io/?EIO=4&transport=websocket', hello: [{ send: '40', until: '40{' }] },
    publish: (bodies) => publishOnRedis(stage, channel, bodies),
  }),
)

export const STOMP_BROKER_JS = commandContender(
  'stomp-broker-js',
  missing('stomp-broker-js'),
  [node, fromRoot('bench/peers/stomp-broker-js.mjs')],
  (stage, channel) => ({
    subscriber: {
      path: '/stomp',
      hello: [
        { send: 'CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:0,0\n\n\0', until: 'CONNECTED' },
        { send: `SUBSCRIBE\nid:sub-0\ndestination:/topic/bench\n\n\0`, until: '' },
      ],
    },
    publish: (bodies) => publishOnRedis(stage, channel, bodies),
  }),
)
