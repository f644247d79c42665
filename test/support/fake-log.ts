/** A log that remembers. */
import type { Log } from '../../src/log.ts'

export interface LogEntry {
  readonly level: keyof Log
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export class FakeLog implements Log {
  readonly entries: LogEntry[] = []
  readonly debug = this.#note('debug')
  readonly info = this.#note('info')
  readonly warn = this.#note('warn')
  readonly error = this.#note('error')

  /** The messages of that level. */
  messages(level: keyof Log): string[] {
    return this.entries.filter((entry) => entry.level === level).map(({ message }) => message)
  }

  #note(level: keyof Log): Log['info'] {
    return (fields, message) => void this.entries.push({ level, fields, message })
  }
}
