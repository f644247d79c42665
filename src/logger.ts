/**
 * Owns how the process logs: pino on standard error, as JSON lines or as text for people. Called by main; everything
 * else takes the `Log` type. Both ways write from this thread: a pino transport is a worker, which bundles do not have.
 */
import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { Config } from './config.ts'

const STANDARD_ERROR = 2

export type { Logger } from 'pino'

/** The second line of defence: what could hold credentials is not logged, at any of the depths that are used. */
const SECRETS = ['passcode', 'password', 'authorization', 'Authorization', 'token']
const DEPTHS = ['', '*.', '*.*.', '*.*.*.']

/** What the logger must know of where standard error goes. */
export interface LogTarget {
  readonly isTerminal: boolean
  readonly hasColours: boolean
}

/** Returns the logger of this process. It writes before it returns, so that nothing is lost when the process ends. */
export function createLogger({ level, format }: Config['log'], { isTerminal, hasColours }: LogTarget): Logger {
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    serializers: { error: stdSerializers.err },
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: DEPTHS.flatMap((depth) => SECRETS.map((name) => depth + name)), censor: '***' },
  }
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal)
  if (!isPretty) return pino(options, pino.destination({ fd: STANDARD_ERROR, sync: true }))
  const stream = PinoPretty({
    destination: STANDARD_ERROR,
    sync: true,
    colorize: hasColours,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    ignore: 'pid,hostname',
  })
  return pino(options, stream)
}
