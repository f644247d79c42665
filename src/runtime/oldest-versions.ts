/** Owns which versions of the runtimes this program runs on. */

/**
 * As in package.json. Before these, Bun cannot stop reading from a WebSocket, workers on Deno end with SIGTRAP, and on Node
 * CommonJS cannot require ES modules.
 */
export const OLDEST_VERSIONS = { Bun: '1.4.4', Deno: '2.8.3', Node: '20.19.0' } as const

/** Errors: throws if this one is too old. It would fail later, and not say why. */
export function requireVersion(runtime: keyof typeof OLDEST_VERSIONS, version: string): void {
  const oldest = OLDEST_VERSIONS[runtime]
  if (version.localeCompare(oldest, 'en', { numeric: true }) >= 0) return
  throw new Error(`stomp-bridge needs ${runtime} ${oldest} or later, and this is ${runtime} ${version}`)
}
