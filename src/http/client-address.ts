/**
 * Owns the question where a request comes from. Behind a proxy every request comes from the proxy; those that are trusted
 * say in `X-Forwarded-For` who has asked them.
 */
import { isWithin, parseAddress, parseRange } from '../access/peer-addresses.ts'
import type { FetchHandler, RequestEnv } from '../socket.ts'

/** Returns the application as it is behind proxies: what it is told of an address is that of the client. */
export function behindProxies(app: FetchHandler, trustedProxies: readonly string[]): FetchHandler {
  if (trustedProxies.length === 0) return app
  const ranges = trustedProxies.map(parseRange)
  return (request, env) => {
    const address = clientAddress(env.remoteAddress, request.headers.get('x-forwarded-for'), (each) =>
      isWithin(ranges, each),
    )
    return app(request, address === env.remoteAddress ? env : withAddress(env, address))
  }
}

/** Returns the address of who has sent a request, as far as it can be believed. */
function clientAddress(peer: string, forwardedFor: string | null, isTrusted: (address: string) => boolean): string {
  let address = peer
  // Each proxy adds from whom it has it; what stands left of the first that is not trusted anybody can have written.
  const hops = (forwardedFor ?? '').split(',')
  while (isTrusted(address)) {
    const hop = hops.pop()?.trim()
    if (hop === undefined || !parseAddress(hop)) break
    address = hop
  }
  return address
}

function withAddress(env: RequestEnv, remoteAddress: string): RequestEnv {
  return {
    remoteAddress,
    peerAddress: env.remoteAddress,
    ...(env.isHostMissing === undefined ? {} : { isHostMissing: env.isHostMissing }),
    upgrade: (request, options) => env.upgrade(request, options),
    stream: (request, options) => env.stream(request, options),
  }
}
