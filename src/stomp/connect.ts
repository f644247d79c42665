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
  type HeartBeatIntervals,
} from '../../frames/index.ts'
import type { Access } from '../access/access.ts'
import { hasCredential, isPromise } from '../access/authenticator.ts'
import type { Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import { SOFT } from '../client/soft-errors.ts'
import { ProtocolError } from '../errors.ts'
import { FrameCredentials } from './frame-credentials.ts'
import type { SessionOptions } from './services.ts'

/** What a CONNECT frame agrees on. */
export interface Agreement {
  readonly version: Version
  readonly intervals: HeartBeatIntervals
  /** Of the CONNECTED frame. */
  readonly headers: readonly Header[]
  /** Does the client want to go on after what it may not? */
  readonly isSoft: boolean
}

/** Errors: ProtocolError `unsupported-version`; FrameError `bad-heart-beat`. */
export function agree(
  frame: Frame,
  sessionId: string,
  { heartBeat, server }: Pick<SessionOptions, 'heartBeat' | 'server'>,
): Agreement {
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
  const own = { sendMs: heartBeat.outgoingMs, receiveMs: heartBeat.incomingMs }
  return {
    version,
    intervals: negotiateHeartBeat(own, peer),
    headers: [
      ['version', version],
      ['heart-beat', hasHeartBeat ? formatHeartBeat(own) : '0,0'],
      ['session', sessionId],
      ['server', server],
    ],
    isSoft: frame.headers.get('errors') === SOFT,
  }
}

/** No more than that: whoever guesses learns nothing by it. No colon: before a version is agreed a header cannot carry one. */
const REFUSED = 'Login was refused'
const NO_CREDENTIAL = 'Login was refused; CONNECT has no token and no login'

/** Who is it? Kept until that is known. */
export class Login {
  readonly #access: Access
  readonly #handshake: Handshake
  /** The authenticator is at work on them. */
  #pending: FrameCredentials | undefined

  constructor(access: Access, handshake: Handshake) {
    this.#access = access
    this.#handshake = handshake
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  /**
   * At once if the authenticator knows at once. An identity that came with the handshake wins: what CONNECT says is then not
   * looked at.
   * Errors: ProtocolError `not-authenticated`, thrown or as a rejection; and what the authenticator throws.
   */
  identify(frame: Frame): Identity | Promise<Identity> {
    const known = this.#handshake.identity
    if (known) return accepted(this.#access.isRevoked(known) ? undefined : known, undefined)
    const credentials = new FrameCredentials(frame, this.#handshake)
    const identity = this.#access.authenticate(credentials)
    if (!isPromise(identity)) return accepted(identity, credentials)
    this.#pending = credentials
    return Promise.resolve(identity).then((found) => accepted(found, credentials))
  }

  /** Nobody waits for it any more. */
  abort(): void {
    this.#pending?.abort()
  }
}

/** `shown`: undefined if the handshake has shown enough. */
function accepted(identity: Identity | undefined, shown: FrameCredentials | undefined): Identity {
  if (identity) return identity
  throw new ProtocolError('not-authenticated', !shown || hasCredential(shown) ? REFUSED : NO_CREDENTIAL)
}
