/** Channels by which nodes tell each other what has become of a log. */
import { HISTORY_PREFIX } from '../bus/shared-bus.ts'

/** A log was emptied: the payload is its destination. */
export const CLEARED_CHANNEL = `${HISTORY_PREFIX}cleared`

/** Followed by the id of a node, which tells itself how far it has heard. */
export const BARRIER_CHANNEL = `${HISTORY_PREFIX}barrier:`

/** Followed by the id of a node: the payload is a destination. Whatever was recorded there before has gone over the bus. */
export const RECORDED_CHANNEL = `${HISTORY_PREFIX}recorded:`
