/** The three STOMP versions and the two places where they are agreed: the CONNECT headers and the WebSocket sub-protocol. */
export const Version = { V1_0: '1.0', V1_1: '1.1', V1_2: '1.2' } as const
export type Version = (typeof Version)[keyof typeof Version]

/** Best first. */
export const VERSIONS: readonly Version[] = ['1.2', '1.1', '1.0']

/** WebSocket sub-protocol names, best first. */
export const SUB_PROTOCOLS: readonly string[] = ['v12.stomp', 'v11.stomp', 'v10.stomp']

/**
 * The highest version both sides speak, or undefined if there is none.
 * Source: STOMP 1.2 "Protocol Negotiation"; a missing `accept-version` means 1.0.
 */
export function negotiateVersion(acceptVersion: string | undefined): Version | undefined {
  if (acceptVersion === undefined) return Version.V1_0
  // one version is the ordinary case, and needs no list
  for (const version of VERSIONS) if (acceptVersion === version) return version
  const accepted = acceptVersion.split(',').map((entry) => entry.trim())
  return VERSIONS.find((version) => accepted.includes(version))
}

/**
 * The best sub-protocol of the client's list, spelled as the client spelled it; undefined if none is STOMP. Not the first:
 * webstomp-client offers the oldest first, and takes the answer for the version.
 * `offered` is the value of `Sec-WebSocket-Protocol`.
 */
export function pickSubProtocol(offered: string | null | undefined): string | undefined {
  const entries = offered?.split(',').map((entry) => entry.trim()) ?? []
  for (const name of SUB_PROTOCOLS) {
    const found = entries.find((entry) => entry.toLowerCase() === name)
    if (found !== undefined) return found
  }
  return undefined
}
