/** A STOMP client that reconnects, and misses nothing where the bridge keeps a history. For browsers, Bun, Deno and Node. */
export { createClient, type BridgeClient, type Publication } from './client.ts'
export { ClientError, ClientErrorCode } from './errors.ts'
export {
  ClientState,
  type BackoffOptions,
  type ClientOptions,
  type Connected,
  type Credentials,
  type Disconnected,
  type HeartbeatOptions,
} from './options.ts'
export type { Position } from './position.ts'
export type { Message, SubscribeOptions, SubscriptionHandle } from './subscription.ts'
export type { Recovery } from './track.ts'
