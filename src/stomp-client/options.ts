/** What an application gives a client, and what the client tells it. */
import type { IStompSocket, StompConfig, StompHeaders } from '@stomp/stompjs'
import type { ClientError } from './errors.ts'
import type { Recovery } from './track.ts'

export const ClientState = {
  /** Not activated, deactivated, or stopped by a fatal error. */
  INACTIVE: 'inactive',
  /** Asks for credentials, opens the connection, and waits for CONNECTED. */
  CONNECTING: 'connecting',
  CONNECTED: 'connected',
  /** Has lost its connection, or found none, and waits for the next attempt. */
  WAITING: 'waiting',
  /** Deactivated; waits for the server to confirm. */
  CLOSING: 'closing',
} as const
export type ClientState = (typeof ClientState)[keyof typeof ClientState]

/** What one connection logs in with. */
export interface Credentials {
  /** Goes into CONNECT, as `Authorization: Bearer`. */
  readonly token?: string | undefined
  /** Goes into the URL, as the query parameter `ticket`. */
  readonly ticket?: string | undefined
  /** More headers of CONNECT, such as `login` and `passcode`. */
  readonly connectHeaders?: Readonly<Record<string, string>> | undefined
}

/**
 * Before each attempt the client waits for a random time between 0 and a cap. The cap is `firstMs`, and doubles with
 * each attempt up to `maxMs`.
 */
export interface BackoffOptions {
  /** 1,000 unless told. */
  readonly firstMs?: number
  /** 30,000 unless told. */
  readonly maxMs?: number
  /** After a connection that has held for so long, the cap is `firstMs` again; 10,000 unless told. */
  readonly stableMs?: number
}

/** What the client offers; the longer wish of both sides counts, up to a day. 0 for none. */
export interface HeartbeatOptions {
  /** 10,000 unless told. */
  readonly incomingMs?: number
  /** 10,000 unless told. */
  readonly outgoingMs?: number
}

export interface Connected {
  /** Of the CONNECTED frame: `session`, `user-name`, … */
  readonly headers: StompHeaders
}

export interface Disconnected {
  /** Of the WebSocket; undefined where the client has given the connection up by itself. */
  readonly code: number | undefined
  readonly reason: string
  /** What the server said before it closed. */
  readonly error: ClientError | undefined
  /** When the next attempt begins; undefined for never. */
  readonly retryInMs: number | undefined
}

export interface ClientOptions {
  /** `wss://example.com/stomp`. */
  readonly brokerURL: string
  /** Asked before each connection, as a ticket is good only once. What it throws makes it a failed attempt. */
  readonly credentials?: () => Credentials | Promise<Credentials>
  /** Makes the WebSocket. The `WebSocket` of the runtime unless told; Node has one from version 22. */
  readonly webSocketFactory?: (url: string, protocols: string[]) => IStompSocket
  readonly backoff?: BackoffOptions
  readonly heartbeat?: HeartbeatOptions
  /** For an attempt, from the question for credentials to CONNECTED; 15,000 unless told. */
  readonly connectTimeoutMs?: number
  /** For what @stomp/stompjs alone does. */
  readonly stompjs?: Pick<
    StompConfig,
    | 'debug'
    | 'forceBinaryWSFrames'
    | 'heartbeatStrategy'
    | 'heartbeatToleranceMultiplier'
    | 'logRawCommunication'
    | 'maxWebSocketChunkSize'
    | 'splitLargeFrames'
    | 'stompVersions'
  >
  /** Called on each connection, when everything was subscribed again. */
  readonly onConnected?: (connected: Connected) => void
  /** Called when a connection has ended; not for attempts that came to none. */
  readonly onDisconnected?: (disconnected: Disconnected) => void
  /** Called for every ERROR frame, every failed attempt, and whatever a callback throws. */
  readonly onError?: (error: ClientError) => void
  /** Called after each reconnect of a subscription with history, and when the server has lost something on the way. */
  readonly onRecovery?: (recovery: Recovery) => void
  readonly onState?: (state: ClientState) => void
}
