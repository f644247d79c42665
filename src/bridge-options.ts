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
    settleTimeoutMs: shutdown.deadlineMs,
    lingerMs: shutdown.lingerMs,
    softErrors: config.access?.errors === 'soft',
    server: `stomp-bridge/${version}`,
  }
}

/** Returns limits and times of a plain WebSocket. */
export function rawOptions({ access, limits, shutdown }: Config) {
  return {
    maxMessageBytes: limits.maxFrameBytes,
    maxInFlight: limits.maxInFlight,
    maxInFlightBytes: limits.maxFrameBytes * FRAMES_PER_MESSAGE,
    settleTimeoutMs: shutdown.deadlineMs,
    lingerMs: shutdown.lingerMs,
    softErrors: access?.errors === 'soft',
  }
}
