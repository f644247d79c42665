/** The `heart-beat` header: parsing it, and working out who sends how often. */
import { FrameError, FrameErrorCode } from './errors.ts'

/** What one side offers: it can send every `sendMs`, it wants something every `receiveMs`; 0 is "not". */
export interface HeartBeat {
  readonly sendMs: number
  readonly receiveMs: number
}

/** What two sides agreed on, seen from one of them; 0 is "none". */
export interface HeartBeatIntervals {
  readonly outgoingMs: number
  readonly incomingMs: number
}

/** Longest interval honoured, in milliseconds: one day. A larger number is read as this. */
export const MAX_HEART_BEAT_MS = 86_400_000

const NONE: HeartBeat = { sendMs: 0, receiveMs: 0 }

/**
 * Parses `<cx>,<cy>`; missing means `0,0`.
 * Errors: FrameError `bad-heart-beat` unless both are non-negative integers.
 */
export function parseHeartBeat(value: string | undefined): HeartBeat {
  if (value === undefined || value === '0,0') return NONE
  const match = /^(\d+),(\d+)$/.exec(value)
  if (!match) {
    throw new FrameError(
      FrameErrorCode.badHeartBeat,
      'Header "heart-beat" must be two non-negative integers such as "10000,10000"',
    )
  }
  return {
    sendMs: Math.min(Number(match[1]), MAX_HEART_BEAT_MS),
    receiveMs: Math.min(Number(match[2]), MAX_HEART_BEAT_MS),
  }
}

export function formatHeartBeat(heartBeat: HeartBeat): string {
  return `${heartBeat.sendMs},${heartBeat.receiveMs}`
}

/** Source: STOMP 1.2 "Heart-beating": none if one side says 0, else the larger of offer and wish. */
export function negotiateHeartBeat(own: HeartBeat, peer: HeartBeat): HeartBeatIntervals {
  return {
    outgoingMs: own.sendMs === 0 || peer.receiveMs === 0 ? 0 : Math.max(own.sendMs, peer.receiveMs),
    incomingMs: own.receiveMs === 0 || peer.sendMs === 0 ? 0 : Math.max(own.receiveMs, peer.sendMs),
  }
}
