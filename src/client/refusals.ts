/** Why a node lets nobody in now, and what whoever wanted to come is told. */
import { ProtocolError, type ErrorCode } from '../errors.ts'
import type { ConnectRefusal } from '../metrics.ts'

export type Refusal = ConnectRefusal

interface Told {
  readonly code: ErrorCode
  readonly text: string
  /** After how long it may try again, in seconds: each time another one of these, so that not all come at the same time. */
  readonly retryAfterS: readonly [least: number, most: number]
}

const TOLD: Readonly<Record<Refusal, Told>> = {
  // Another node will be found sooner than a free place.
  draining: {
    code: 'shutting-down',
    text: 'This node is being shut down: connect again to reach another',
    retryAfterS: [1, 3],
  },
  full: { code: 'too-many-sessions', text: 'This node is full: try again later', retryAfterS: [5, 10] },
  rate: {
    code: 'node-busy',
    text: 'Too many clients connect to this node just now: try again later',
    retryAfterS: [1, 5],
  },
  'address-rate': {
    code: 'too-many-connects',
    text: 'Too many clients connect from this address just now: try again later',
    retryAfterS: [1, 5],
  },
  'address-sessions': {
    code: 'too-many-sessions-of-address',
    text: 'This address has as many sessions as it may have: try again when one has ended',
    retryAfterS: [5, 10],
  },
  'user-sessions': {
    code: 'too-many-sessions-of-user',
    text: 'This user has as many sessions as it may have: try again when one has ended',
    retryAfterS: [5, 10],
  },
}

/** Returns the error of a refusal, with `retry-after`. */
export function refusalError(refusal: Refusal): ProtocolError {
  const { code, text, retryAfterS } = TOLD[refusal]
  const [least, most] = retryAfterS
  const seconds = least + Math.floor(Math.random() * (most - least + 1))
  return new ProtocolError(code, text, { 'retry-after': String(seconds) })
}
