/** Owns which versions of the runtimes this program runs on. */

/** The oldest that all end-to-end suites pass on. On Node it is that of package.json: CommonJS can require ES modules from there on. */
export const OLDEST_VERSIONS = { Bun: '1.2.10', Deno: '2.8.0', Node: '20.19.0' } as const

/** Errors: throws if this one is too old. It would fail later, with words that nobody understands. */
export function requireVersion(runtime: keyof typeof OLDEST_VERSIONS, version: string): void {
  const oldest = OLDEST_VERSIONS[runtime]
  if (version.localeCompare(oldest, 'en', { numeric: true }) >= 0) return
  throw new Error(`stomp-bridge needs ${runtime} ${oldest} or later, and this is ${runtime} ${version}`)
}
