/** The signals that a process is stopped, reloaded and restarted with, on a terminal, under a supervisor and under npx. */
import { closeSync, openSync } from 'node:fs'
import process from 'node:process'
import { onNpxGone } from '../npx.ts'

/** Those that a terminal sends to every process in it, workers too. */
export const TERMINAL_SIGNALS = ['SIGINT', 'SIGHUP']
const STOP_SIGNALS = ['SIGTERM', 'SIGINT']
/** Sent for a reload, and by a terminal that is closed. */
const HANGUP = 'SIGHUP'
/** Sent to let new workers take the places of all, or of the one that gets it. */
const RESTART = 'SIGUSR2'

/** Signals this soon after the first are the same Ctrl+C, which a terminal and npm both deliver. */
const SAME_SIGNAL_MS = 100

/** Calls back on the first of these signals; another one ends the process at once. Returns what takes one more signal as such. */
export function onStopSignal(
  callback: (signal: string) => void,
  { signals = STOP_SIGNALS, again = () => {} }: { signals?: readonly string[]; again?: () => void } = {},
): (signal: string) => void {
  let since: number | undefined
  const receive = (signal: string) => {
    if (since === undefined) {
      since = performance.now()
      callback(signal)
    } else if (performance.now() - since > SAME_SIGNAL_MS) {
      again()
      process.exit(1)
    }
  }
  for (const signal of signals) process.on(signal, receive)
  const isOfNpx = process.env['npm_lifecycle_event'] === 'npx'
  if (isOfNpx && signals === STOP_SIGNALS) onNpxGone(() => since ?? receive('SIGTERM'))
  return receive
}

/** Calls back on SIGHUP: `reload`, or `stop` if it says that the terminal of this process was closed. */
export function onHangup(reload: () => void, stop: (signal: string) => void): void {
  const hadTerminal = hasTerminal()
  process.on(HANGUP, () => {
    // Windows sends it only when a console is closed.
    const isClosed = process.platform === 'win32' || (hadTerminal && !hasTerminal())
    if (isClosed) stop(HANGUP)
    else reload()
  })
}

/** Calls back on SIGUSR2, which Windows does not have. */
export function onRestart(callback: () => void): void {
  if (process.platform !== 'win32') process.on(RESTART, callback)
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
