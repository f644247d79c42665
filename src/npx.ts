/** Owns what is particular to a process that npx has started. Called by main. */
import process from 'node:process'

/** How often to look whether npx is still there. */
const POLL_MS = 500

/**
 * Calls back when the npx that has started this process is stopped. A signal to npx reaches only the shell between: that
 * dies of it, and passes nothing on.
 */
export function onNpxGone(callback: () => void): void {
  const parent = process.ppid
  const poll = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(poll)
    callback()
  }, POLL_MS)
  poll.unref()
}
