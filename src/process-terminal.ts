/** The terminal, or the pipes, of this process, as the commands see them that are clients. */
import process from 'node:process'
import type { Terminal } from './terminal/terminal.ts'

/** Erases what was written of the line before. */
const START_OF_LINE = '\r\x1b[K'

/** Returns the terminal of this process. */
export function processTerminal(openSocket: Terminal['openSocket']): Terminal {
  const { stdin, stdout, stderr } = process
  let hasProgress = false
  const clearProgress = () => {
    if (hasProgress) stderr.write(START_OF_LINE)
    hasProgress = false
  }
  return {
    write: (data) => void stdout.write(data),
    get unwrittenBytes() {
      return stdout.writableLength
    },
    note(text) {
      clearProgress()
      stderr.write(`${text}\n`)
    },
    progress(text) {
      if (!stderr.isTTY) return
      stderr.write(START_OF_LINE + text)
      hasProgress = true
    },
    isTerminal: stdout.isTTY === true,
    isTyped: stdin.isTTY === true,
    input: stdin,
    openSocket,
    onEnd(callback) {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => callback('interrupted'))
      // As of `| head -1`.
      stdout.on('error', () => callback('unread'))
    },
  }
}

/** Resolves when all that was written has been taken. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => process.stdout.write('', () => resolve()))
}
