/** Believes a reverse proxy that has found out who it is, and says so in headers: only from the addresses of that proxy. */
import { isWithin, parseRange, type AddressRange } from './peer-addresses.ts'
import type { Authenticator, Credentials, Verdict } from './authenticator.ts'

export interface ProxyOptions {
  readonly userHeader: string
  /** Commas between the groups. */
  readonly groupsHeader?: string | undefined
  /** Addresses and ranges. */
  readonly trustedAddresses: readonly string[]
}

export class ProxyAuthenticator implements Authenticator {
  readonly type = 'proxy'
  readonly looksAtHandshake = true
  readonly #options: ProxyOptions
  readonly #trusted: readonly AddressRange[]

  /** Errors: throws Error for what is no address, or no name of a header. */
  constructor(options: ProxyOptions) {
    this.#options = options
    for (const name of [options.userHeader, options.groupsHeader ?? 'x']) new Headers().has(name)
    this.#trusted = options.trustedAddresses.map(parseRange)
  }

  authenticate({ handshake }: Credentials): Verdict {
    const { userHeader, groupsHeader } = this.#options
    const user = handshake.headers.get(userHeader)
    if (!user || !isWithin(this.#trusted, handshake.peerAddress)) return 'not-mine'
    const listed = groupsHeader === undefined ? null : handshake.headers.get(groupsHeader)
    const groups = listed?.split(',').map((group) => group.trim())
    return { user, groups: groups?.filter((group) => group !== '') }
  }
}
