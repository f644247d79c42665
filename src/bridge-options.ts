/** What the doors are told of the configuration, in their own terms. */
import type { Config } from './config.ts'
import type { SessionOptions } from './stomp/services.ts'

/** A WebSocket message may hold many frames; this many of the largest. */
export const FRAMES_PER_MESSAGE = 16

/** Before more is read from a STOMP session, so many of the largest messages may wait. */
const MESSAGES_HELD_BACK = 4

/** Returns how much may come at once from a STOMP session, or wait to take effect, in bytes. */
export function maxHeldBackBytes({ limits }: Config): number {
  return limits.maxFrameBytes * FRAMES_PER_MESSAGE * MESSAGES_HELD_BACK
}

/** Returns limits and times of a STOMP session. `version`: of the bridge. */
export function sessionOptions(config: Config, version: string): SessionOptions {
  const { limits, heartBeat, shutdown } = config
  const afterConnect = {
    maxFrameBytes: limits.maxFrameBytes,
    maxHeaders: limits.maxHeaders,
    maxHeaderBytes: limits.maxHeaderBytes,
  }
  return {
    beforeConnect: { ...afterConnect, maxFrameBytes: limits.maxConnectFrameBytes },
    afterConnect,
    connectTimeoutMs: limits.connectTimeoutMs,
    maxTransactions: limits.maxTransactions,
    maxTransactionFrames: limits.maxTransactionFrames,
    maxTransactionBytes: limits.maxTransactionBytes,
    maxUnackedMessages: limits.maxUnackedMessages,
    maxInFlight: limits.maxInFlight,
    maxInFlightBytes: limits.maxFrameBytes * FRAMES_PER_MESSAGE,
    heldBack: { pauseAboveBytes: limits.maxFrameBytes, maxBytes: maxHeldBackBytes(config) },
    heartBeat,
    pace: limits,
    settleTimeoutMs: shutdown.deadlineMs,
    lingerMs: shutdown.lingerMs,
    softErrors: config.access?.errors === 'soft',
    server: `stomp-bridge/${version}`,
  }
}

/** Of the time to shut down, the part that sessions get; the rest is for work queues, bus and listener. */
const SESSIONS_SHARE = 0.8
/** Of that part, how much may pass before the last one is told: it still has to finish. */
const SPREAD_SHARE = 0.75
/** However few they are, sessions are closed this quickly one after the other. */
const MS_PER_SESSION = 2

/**
 * Returns how a shutdown spends its time, in milliseconds: first `/ready` says so, then so many sessions are told over
 * `spreadMs`, and are gone after `sessionsMs`.
 */
export function shutdownTimes({ deadlineMs, readyDelayMs, drainMs }: Config['shutdown'], sessions: number) {
  const all = deadlineMs * SESSIONS_SHARE
  const sessionsMs = all - readyDelayMs
  return {
    delayMs: readyDelayMs,
    sessionsMs,
    spreadMs: Math.min(drainMs, sessionsMs * SPREAD_SHARE, sessions * MS_PER_SESSION),
  }
}

/** Returns limits and times of a plain WebSocket. */
export function rawOptions({ access, limits, shutdown }: Config) {
  return {
    maxMessageBytes: limits.maxFrameBytes,
    maxInFlight: limits.maxInFlight,
    maxInFlightBytes: limits.maxFrameBytes * FRAMES_PER_MESSAGE,
    pace: limits,
    settleTimeoutMs: shutdown.deadlineMs,
    lingerMs: shutdown.lingerMs,
    softErrors: access?.errors === 'soft',
  }
}
