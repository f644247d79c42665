/** The channels by which answers to a request come: each reaches one queue of one session, on whatever node that is. Pure text. */

/** Header of a SEND that names the queue where the answer is wanted. */
export const REPLY_TO = 'reply-to'
/** Header that says to which request an answer belongs. */
export const CORRELATION_ID = 'correlation-id'

/** Returns the channel for a queue of a session. `destination`: as the client subscribes it, `/user/queue/x`. */
export function replyChannel(session: string, destination: string): string {
  return `session:${session}:reply:${destination}`
}
