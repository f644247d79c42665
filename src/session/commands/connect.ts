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
} from '../../../frames/index.ts'
import type { Authenticator, Identity } from '../../auth/authenticator.ts'
import { ProtocolError } from '../../errors.ts'
import type { SessionOptions } from '../services.ts'

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

/**
 * Who is it? At once if the authenticator knows at once.
 * Errors: ProtocolError `not-authenticated`, thrown or as a rejection; and what the authenticator throws.
 */
export function identify(
  frame: Frame,
  authenticator: Authenticator,
  remoteAddress: string,
): Identity | Promise<Identity> {
  const identity = authenticator.authenticate({
    login: frame.headers.get('login'),
    passcode: frame.headers.get('passcode'),
    header: (name) => frame.headers.get(name),
    remoteAddress,
  })
  return isPromise(identity) ? Promise.resolve(identity).then(accepted) : accepted(identity)
}

/** Also one that is no `Promise` of this realm: authenticators are written by others. */
function isPromise<T extends object>(value: T | undefined | Promise<T | undefined>): value is Promise<T | undefined> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}

function accepted(identity: Identity | undefined): Identity {
  if (!identity) throw new ProtocolError('not-authenticated', 'Login was refused')
  return identity
}
