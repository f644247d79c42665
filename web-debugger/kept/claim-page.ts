/** Tells a page that was loaded again from one that was duplicated: both have the same storage of their tab. */

/** A page that is loaded again may be there before the one it replaces is gone. */
const WAIT_MS = 1_000

/** False where another page has it. True, until this page is gone, where nobody has, or where browsers cannot tell. */
export function claimPage(id: string, locks: LockManager | undefined): Promise<boolean> {
  // Only where the page came over TLS, or from this computer.
  if (!locks) return Promise.resolve(true)
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true)
      return new Promise<never>(() => {})
    }
    locks.request(`stomp-bridge.page.${id}`, { signal: AbortSignal.timeout(WAIT_MS) }, hold).catch(() => resolve(false))
  })
}
