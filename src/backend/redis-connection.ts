/**
 * What the backend package uses of an ioredis connection. Written out here, so that a connection of ioredis 5 and one of
 * ioredis 6 both fit, and no version of it has to be installed for the types.
 */

/** A connection of ioredis, as the caller gives it. */
export interface RedisConnection {
  readonly isCluster?: boolean
  call(command: string, ...args: (string | number)[]): Promise<unknown>
  duplicate(override?: OwnConnectionOptions): OwnConnection
}

/** A connection that is made like the caller's, for commands that block. */
export interface OwnConnection {
  call(command: string, ...args: (string | number)[]): Promise<unknown>
  connect(): Promise<void>
  disconnect(): void
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'connect', listener: () => void): unknown
  readonly stream: { on(event: 'error', listener: (error: Error) => void): unknown } | undefined
}

/** What such a connection has otherwise than the caller's. */
export interface OwnConnectionOptions {
  readonly lazyConnect: boolean
  readonly retryStrategy: () => null
  readonly enableOfflineQueue: boolean
  readonly autoResendUnfulfilledCommands: boolean
  readonly maxRetriesPerRequest: number
  readonly commandTimeout: undefined
  readonly blockingTimeout: undefined
  readonly socketTimeout: undefined
}
