/**
 * Owns the question where a request comes from. Behind a proxy every request comes from the proxy; those that are trusted
 * say in `X-Forwarded-For`, or in `Forwarded`, who has asked them.
 */
import { isPrivate, isWithin, parseAddress, parseRange } from '../access/peer-addresses.ts'
import type { Log } from '../log.ts'
import type { FetchHandler, RequestEnv } from '../socket.ts'

export interface ProxyOptions {
  /** Addresses and ranges. */
  readonly trustedProxies: readonly string[]
  /** The one header that they are believed in: a client can have written the other one. */
  readonly forwardedHeader: 'X-Forwarded-For' | 'Forwarded'
}

/** Returns the application as it is behind proxies: what it is told of an address is that of the client. */
export function behindProxies(
  app: FetchHandler,
  { trustedProxies, forwardedHeader }: ProxyOptions,
  log: Pick<Log, 'warn'>,
): FetchHandler {
  const ranges = trustedProxies.map(parseRange)
  const isTrusted = (address: string): boolean => isWithin(ranges, address)
  const hopsOf = forwardedHeader === 'Forwarded' ? forwardedHops : listedHops
  let hasWarned = false

  /** Whoever sends the header from a private address is a proxy that somebody has forgotten. */
  function warnOf(peerAddress: string): void {
    if (!isPrivate(peerAddress)) return
    hasWarned = true
    log.warn(
      { peerAddress, header: forwardedHeader },
      'A proxy says where its clients come from, and is not in server.trustedProxies: limits by address take all of them for one',
    )
  }

  return (request, env) => {
    if (hasWarned && ranges.length === 0) return app(request, env)
    const header = request.headers.get(forwardedHeader)
    if (header === null) return app(request, env)
    const peer = env.remoteAddress
    if (!isTrusted(peer)) {
      if (!hasWarned) warnOf(peer)
      return app(request, env)
    }
    return app(request, withAddress(env, clientAddress(peer, hopsOf(header), isTrusted)))
  }
}

/** Returns the address of who has sent a request, as far as it can be believed. `hops`: as they are written, the nearest last. */
function clientAddress(peer: string, hops: string[], isTrusted: (address: string) => boolean): string {
  let address = peer
  // Each proxy adds from whom it has it; what stands left of the first that is not trusted anybody can have written.
  while (isTrusted(address)) {
    const hop = addressOf(hops.pop())
    if (hop === undefined) break
    address = hop
  }
  return address
}

/** Of `X-Forwarded-For`. */
function listedHops(header: string): string[] {
  return header.split(',')
}

/** RFC 7239 section 4: elements separated by commas, each of pairs separated by semicolons; quotes may hold either. */
function forwardedHops(header: string): string[] {
  return splitUnquoted(header, ',').map((element) => {
    const pairs = splitUnquoted(element, ';').map((pair) => /^\s*for\s*=\s*(.*)$/i.exec(pair)?.[1])
    return pairs.find((value) => value !== undefined) ?? ''
  })
}

function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let isQuoted = false
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (isQuoted && text[i] === '\\') i++
    else if (text[i] === '"') isQuoted = !isQuoted
    else if (text[i] === separator && !isQuoted) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...parts, text.slice(start)]
}

/** Without quotes, brackets and port. Returns undefined for what is no address, such as `unknown` or `_hidden`. */
function addressOf(hop: string | undefined): string | undefined {
  const text = hop?.trim().replace(/^"(.*)"$/, '$1') ?? ''
  if (parseAddress(text)) return text
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain
  return address !== undefined && parseAddress(address) ? address : undefined
}

function withAddress(env: RequestEnv, remoteAddress: string): RequestEnv {
  if (remoteAddress === env.remoteAddress) return env
  return {
    remoteAddress,
    peerAddress: env.remoteAddress,
    ...(env.isHostMissing === undefined ? {} : { isHostMissing: env.isHostMissing }),
    upgrade: (request, options) => env.upgrade(request, options),
    stream: (request, options) => env.stream(request, options),
  }
}
