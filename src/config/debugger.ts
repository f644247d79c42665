/**
 * Owns what the settings of the web debugger mean together with others: where its page may be, when its API needs a
 * token, and what `debugger.api: auto` comes to.
 */
import type { Finding } from './problems.ts'
import type { Config } from './schema.ts'
import { OWN_PATHS } from './schema/own-paths.ts'

/** The settings that depend on each other; undefined where a value is wrong by itself. */
export interface DebuggerSettings {
  readonly path: string | undefined
  readonly stompPath: string | undefined
  readonly host: string | undefined
  readonly api: unknown
  readonly hasToken: boolean
}

/** Says whether this machine alone can reach who listens there. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|\[::1\])$/i.test(host)
}

/**
 * Returns the configuration with `debugger.api: auto` replaced by what it comes to. Whoever writes a file, or embeds the
 * bridge, has thought of a deployment, and says there what shall be on; `isTrial` is a process with neither.
 */
export function withDebuggerApi(config: Config, isTrial: boolean): Config {
  if (config.debugger.api !== 'auto') return config
  const isOn = isTrial && config.debugger.enabled && isLoopback(config.server.host)
  return { ...config, debugger: { ...config.debugger, api: isOn ? 'on' : 'off' } }
}

/** Returns what is wrong between these settings. */
export function debuggerFindings(settings: DebuggerSettings): Finding[] {
  return [...pathFindings(settings), ...accessFindings(settings)]
}

function pathFindings({ path, stompPath }: DebuggerSettings): Finding[] {
  if (path === undefined) return []
  if (stompPath !== undefined && areNested(path, stompPath)) {
    const text = `must be apart from server.path, which is "${stompPath}", and is "${path}"`
    return [{ path: ['debugger', 'path'], text }]
  }
  const own = [...OWN_PATHS, '/api'].find((each) => areNested(path, each))
  if (own === undefined) return []
  return [{ path: ['debugger', 'path'], text: `must be apart from "${own}", which the bridge answers itself` }]
}

function accessFindings({ api, host, hasToken }: DebuggerSettings): Finding[] {
  if (api !== 'on' || hasToken || host === undefined || isLoopback(host)) return []
  const text = `is missing, and debugger.api: on needs it, because others can reach server.host ${host}`
  return [{ path: ['debugger', 'token'], text }]
}

/** Is one of the paths the other, or below it? Nothing is below `/`, which is a path like any other here. */
function areNested(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}
