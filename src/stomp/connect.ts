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
import { isPromise, type Credentials } from '../access/authenticator.ts'
import type { Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import { ProtocolError } from '../errors.ts'
import type { SessionOptions } from './services.ts'

/** What a CONNECT frame agrees on. */
export interface Agreement {
  readonly version: Version
  readonly intervals: HeartBeatIntervals
  /** Of the CONNECTED frame. */
  readonly headers: readonly Header[]
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
  }
}

/** RFC 6750 section 2.1, as a header of CONNECT. */
const BEARER = /^Bearer +(\S*) *$/i

/** Who is it? Kept until that is known. */
export class Login {
  readonly #access: Access
  readonly #handshake: Handshake
  /** The authenticator is at work on them. */
  #pending: ConnectCredentials | undefined

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
    if (this.#handshake.identity) return this.#handshake.identity
    const credentials = new ConnectCredentials(frame, this.#handshake)
    const identity = this.#access.authenticate(credentials)
    if (!isPromise(identity)) return accepted(identity)
    this.#pending = credentials
    return Promise.resolve(identity).then(accepted)
  }

  /** Nobody waits for it any more. */
  abort(): void {
    this.#pending?.abort()
  }
}

class ConnectCredentials implements Credentials {
  readonly handshake: Handshake
  readonly #frame: Frame
  /** Made for who asks for it. */
  #controller: AbortController | undefined
  #isAborted = false

  constructor(frame: Frame, handshake: Handshake) {
    this.#frame = frame
    this.handshake = handshake
  }

  get token(): string | undefined {
    const bearer = BEARER.exec(this.#frame.headers.get('Authorization') ?? '')?.[1]
    return bearer ?? this.passcode
  }

  get login(): string | undefined {
    return this.#frame.headers.get('login')
  }

  get passcode(): string | undefined {
    return this.#frame.headers.get('passcode')
  }

  header(name: string): string | undefined {
    return this.#frame.headers.get(name)
  }

  get remoteAddress(): string {
    return this.handshake.remoteAddress
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#isAborted) this.#controller.abort()
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort()
  }
}

function accepted(identity: Identity | undefined): Identity {
  if (!identity) throw new ProtocolError('not-authenticated', 'Login was refused')
  return identity
}
