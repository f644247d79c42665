/** Channels by which nodes tell each other what has become of a log. */
import { HISTORY_PREFIX } from '../bus/shared-bus.ts'

/** A log was emptied: the payload is its destination. */
export const CLEARED_CHANNEL = `${HISTORY_PREFIX}cleared`

/** Followed by the id of a node, which tells itself how far it has heard. */
export const BARRIER_CHANNEL = `${HISTORY_PREFIX}barrier:`

/** Followed by the id of a node: the payload is a number and a destination. So many as were recorded there have gone over the bus. */
export const RECORDED_CHANNEL = `${HISTORY_PREFIX}recorded:`

/** What was recorded for programs that only publish, with its offset: those who listen to their channels have had it. */
export const KEPT_CHANNEL = `${HISTORY_PREFIX}kept`
