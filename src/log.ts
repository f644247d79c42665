/** The one kind of log that everything takes: the four calls used here, which pino satisfies. Types only, so that embedding needs no pino. */

type LogMethod = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Log {
  debug: LogMethod
  info: LogMethod
  warn: LogMethod
  error: LogMethod
}

/** A log that says nothing: the default when embedded. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
