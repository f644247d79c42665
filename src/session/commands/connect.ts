/** CONNECT and STOMP: version, heart-beats, identity. STOMP 1.2 "CONNECT or STOMP Frame", "Protocol Negotiation". */
import {
  formatHeartBeat,
  negotiateHeartBeat,
  negotiateVersion,
  parseHeartBeat,
  Version,
  VERSIONS,
  type Frame,
  type Header,
  type HeartBeat,
  type HeartBeatIntervals,
} from '../../../frames/index.ts'
import type { Authenticator, Identity } from '../../auth/authenticator.ts'
import { ProtocolError } from '../../errors.ts'

/** What a CONNECT frame agrees on. */
export interface Agreement {
  readonly version: Version
  readonly intervals: HeartBeatIntervals
  /** Of the CONNECTED frame. */
  readonly headers: readonly Header[]
}

/** The server's side of the negotiation. */
export interface ServerOffer {
  readonly sessionId: string
  /** `name/version`. */
  readonly server: string
  readonly heartBeat: HeartBeat
}

/** Errors: ProtocolError `unsupported-version`; FrameError `bad-heart-beat`. */
export function agree(frame: Frame, offer: ServerOffer): Agreement {
  const version = negotiateVersion(frame.headers.get('accept-version'))
  if (version === undefined) {
    const supported = [...VERSIONS].reverse().join(',')
    throw new ProtocolError('unsupported-version', `Supported protocol versions are ${supported}`, {
      version: supported,
    })
  }
  // STOMP 1.0 has no heart-beats; but some clients fail on a CONNECTED without the header.
  const hasHeartBeat = version !== Version.V1_0
  const peer = parseHeartBeat(hasHeartBeat ? frame.headers.get('heart-beat') : undefined)
  return {
    version,
    intervals: negotiateHeartBeat(offer.heartBeat, peer),
    headers: [
      ['version', version],
      ['heart-beat', hasHeartBeat ? formatHeartBeat(offer.heartBeat) : '0,0'],
      ['session', offer.sessionId],
      ['server', offer.server],
    ],
  }
}

/** Who is it? Errors: ProtocolError `not-authenticated`. */
export async function identify(frame: Frame, authenticator: Authenticator, remoteAddress: string): Promise<Identity> {
  const identity = await authenticator.authenticate({
    login: frame.headers.get('login'),
    passcode: frame.headers.get('passcode'),
    header: (name) => frame.headers.get(name),
    remoteAddress,
  })
  if (!identity) throw new ProtocolError('not-authenticated', 'Login was refused')
  return identity
}
