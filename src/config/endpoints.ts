/** Owns what the setting `endpoints` means together with others: paths that are taken, variables and prefixes that are not there. */
import type { Finding } from './problems.ts'

/** What of an endpoint can be looked at; undefined where a value is wrong by itself. */
export interface EndpointSettings {
  readonly protocol: unknown
  readonly preset: unknown
  readonly path: string | undefined
  readonly subscribe: readonly string[] | undefined
  readonly send: string | undefined
  readonly frame: string | undefined
  readonly wrap: string | undefined
  readonly echo: unknown
}

export interface EndpointContext {
  readonly stompPath: string | undefined
  /** SockJS takes all below it. */
  readonly hasSockJs: boolean
  readonly debuggerPath: string | undefined
  /** Of one client. */
  readonly maxSubscriptions: number | undefined
  isSubscribable(destination: string): boolean
  isSendable(destination: string): boolean
}

/** Returns what is wrong between these settings. */
export function endpointFindings(endpoints: readonly EndpointSettings[], context: EndpointContext): Finding[] {
  const seen = new Map<string, number>()
  return endpoints.flatMap((endpoint, index) => {
    const at = ['endpoints', index]
    const findings: Finding[] = kindFindings(at, endpoint)
    const { path, subscribe = [], send, frame, wrap } = endpoint
    if (path !== undefined) {
      // /ws/{a} and /ws/{b} take the same paths.
      const key = path.replace(/\{\w+\}/g, '{}')
      const first = seen.get(key)
      if (first === undefined) seen.set(key, index)
      else findings.push({ path: [...at, 'path'], text: `must not be that of endpoints[${first}] too: "${path}"` })
      const taken = takenBy(path, context)
      if (taken) findings.push({ path: [...at, 'path'], text: `must not be ${taken} too: "${path}"` })
    }
    if (wrap !== undefined && frame === 'json') {
      findings.push({
        path: [...at, 'wrap'],
        text: 'must be left out with frame: json, which is another way to write it',
      })
    }
    const { maxSubscriptions = Infinity } = context
    if (subscribe.length > maxSubscriptions) {
      const text = `must have at most limits.maxSubscriptions entries, which is ${maxSubscriptions}, not ${subscribe.length}`
      findings.push({ path: [...at, 'subscribe'], text })
    }
    for (const [i, destination] of subscribe.entries()) {
      const where = [...at, 'subscribe', i]
      findings.push(...variableFindings(where, destination, path))
      if (!context.isSubscribable(destination)) {
        findings.push({
          path: where,
          text: `must be below a prefix of broker.prefixes, or /user/queue, /session/queue or /group/{name}, not "${destination}"`,
        })
      }
    }
    if (send === undefined) return findings
    findings.push(...variableFindings([...at, 'send'], send, path))
    if (!context.isSendable(send)) {
      const text = `must be below a prefix of broker.applicationPrefixes or broker.prefixes, or address a user, group or session, not "${send}"`
      findings.push({ path: [...at, 'send'], text })
    }
    return findings
  })
}

/** What may stand together: a preset says all but where it is, and where the token is. */
function kindFindings(at: readonly PropertyKey[], endpoint: EndpointSettings): Finding[] {
  const { protocol, preset, path, subscribe = [], send, frame, wrap, echo } = endpoint
  if (preset === undefined) {
    if (protocol !== undefined) return []
    return [{ path: [...at, 'protocol'], text: 'is missing and must be raw, unless there is a preset' }]
  }
  const given = {
    protocol: protocol !== undefined,
    subscribe: subscribe.length > 0,
    send: send !== undefined,
    frame: frame === 'json',
    wrap: wrap !== undefined,
    echo: echo === true,
  }
  const more = Object.entries(given).filter(([, isGiven]) => isGiven)
  return [
    ...more.map(([key]) => ({ path: [...at, key], text: 'must be left out with a preset, which says it already' })),
    ...(path === undefined || path.includes('{facility}')
      ? []
      : [{ path: [...at, 'path'], text: `must have {facility}, which the preset takes from it, and is "${path}"` }]),
  ]
}

function takenBy(path: string, { stompPath, hasSockJs, debuggerPath }: EndpointContext): string | undefined {
  const withoutSlash = stompPath?.replace(/\/$/, '')
  if (path === stompPath || path === `${withoutSlash}/websocket`) return 'server.path'
  if (hasSockJs && withoutSlash && path.startsWith(`${withoutSlash}/`)) return 'a path of SockJS'
  const isBelowPage = debuggerPath !== undefined && (path === debuggerPath || path.startsWith(`${debuggerPath}/`))
  return isBelowPage ? 'debugger.path' : undefined
}

function variableFindings(at: readonly PropertyKey[], template: string, path: string | undefined): Finding[] {
  if (path === undefined) return []
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  return names
    .filter((name) => !path.includes(`{${name}}`))
    .map((name) => ({
      path: at,
      text: `has the variable {${name}}, which its path does not have; for a query parameter write {query.${name}}`,
    }))
}
