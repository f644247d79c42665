/** Everybody who is compared, in the order of the tables. */
import { BARE, BRIDGE, BRIDGE_ON_DENO, BRIDGE_ON_NODE } from './bridge.ts'
import { CENTRIFUGO } from './centrifugo.ts'
import { NCHAN } from './nchan.ts'
import { SOCKET_IO, STOMP_BROKER_JS } from './node-peers.ts'
import { RABBITMQ } from './rabbitmq.ts'

export { BARE, BRIDGE, BRIDGE_ON_DENO, BRIDGE_ON_NODE, CENTRIFUGO, NCHAN, RABBITMQ, SOCKET_IO, STOMP_BROKER_JS }

/** Who delivers what backends publish on Redis, or on themselves. */
export const CONTENDERS = [
  ...[BRIDGE, BARE, BRIDGE_ON_NODE, BRIDGE_ON_DENO],
  ...[SOCKET_IO, STOMP_BROKER_JS, RABBITMQ, NCHAN],
] as const
