/** What a server's CONNECTED frame says of the session. */
import {
  FrameError,
  negotiateHeartBeat,
  parseHeartBeat,
  type FrameHeaders,
  type HeartBeatIntervals,
} from '../../frames/index.ts'
import type { Profile } from './profile.ts'

export interface Agreement {
  readonly version: string
  /** Name and version of the server, if it tells. */
  readonly server: string | undefined
  readonly session: string | undefined
  readonly user: string | undefined
  /** Empty if there is none. */
  readonly subProtocol: string
  readonly heartBeat: HeartBeatIntervals
}

export function agreementOf(headers: FrameHeaders, profile: Profile, subProtocol: string): Agreement {
  const version = headers.get('version') ?? '1.0'
  return {
    version,
    server: headers.get('server'),
    session: headers.get('session'),
    user: headers.get('user-name'),
    subProtocol,
    heartBeat: heartBeatOf(version === '1.0' ? undefined : headers.get('heart-beat'), profile),
  }
}

function heartBeatOf(header: string | undefined, profile: Profile): HeartBeatIntervals {
  const own = { sendMs: profile.heartBeatOutMs, receiveMs: profile.heartBeatInMs }
  try {
    return negotiateHeartBeat(own, parseHeartBeat(header))
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    // The frame is in the log for everyone to see; without an agreement there are no heart-beats.
    return { outgoingMs: 0, incomingMs: 0 }
  }
}
