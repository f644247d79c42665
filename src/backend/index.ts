/** For backend services: consume what clients send, and send to clients, over the Redis that the bridges use. */
export { createBackend, type Backend, type BackendOptions } from './backend.ts'
export type { ConsumeOptions } from './consume-options.ts'
export type { Consumer } from './consumer.ts'
export type { Entry, Handler } from './entry.ts'
export type { MessageTrace } from './notifications.ts'
export type { OwnConnection, OwnConnectionOptions, RedisConnection } from './redis-connection.ts'
export type { ReplyableRequest, ReplyHeaders } from './replies.ts'
