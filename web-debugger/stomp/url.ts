/** The URL of a server as a person types it: what is left out, what is wrong with it, where it leads. */

/** Digits after the colon are a port, and what is before it a host. */
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:(?!\d)/i

/** As the URL goes on if it is right: `localhost:15674/ws` is enough. A page that came over https may open `wss` only. */
export function completeUrl(typed: string, isSecurePage: boolean): string {
  const text = typed.trim()
  if (text === '' || HAS_SCHEME.test(text)) return text
  return `${isSecurePage ? 'wss' : 'ws'}://${text.replace(/^\/\//, '')}`
}

/** Undefined if it can be used. */
export function problemOfUrl(typed: string): string | undefined {
  const url = completeUrl(typed, false)
  if (url === '') return 'Enter the URL of a WebSocket, such as ws://localhost:8080/stomp'
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    // Says only "Invalid URL".
    return 'This is no URL. It should look like ws://localhost:8080/stomp'
  }
  if (!/^(ws|http)s?:$/.test(parsed.protocol) || parsed.host === '') {
    return `The URL must begin with ws:// or wss://, not with "${parsed.protocol}"`
  }
  return undefined
}

/** Is the server one that is reached without a network? */
export function isOnThisComputer(url: string): boolean {
  const { hostname } = new URL(url)
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** Do both lead to the same host and port? */
export function isSameHost(a: string, b: string): boolean {
  try {
    return new URL(completeUrl(a, false)).host === new URL(completeUrl(b, false)).host
  } catch {
    // Half typed.
    return false
  }
}
