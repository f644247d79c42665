/** What a failure of ioredis means for whoever published or subscribed, and how it is told to people. */
import { ReplyError } from 'ioredis'
import { BusRefusedError, BusUnavailableError } from './bus.ts'

/** Has Redis said no, or has it not answered? */
export function isReply(error: unknown): error is Error {
  return error instanceof ReplyError
}

/** Of PUBLISH or EXEC, as the bus rejects with it. */
export function publishFailure(error: unknown): Error {
  const kind = isForbidden(error) ? BusRefusedError : BusUnavailableError
  return new kind(errorText(error), { cause: error })
}

export function errorText(error: unknown): string {
  if (error instanceof Error && error.name === 'MaxRetriesPerRequestError')
    return 'the connection went before Redis answered'
  // Node joins the attempts for each address of a host in an AggregateError without a message of its own.
  if (error instanceof AggregateError) return errorText(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

/** Other refusals pass: Redis is loading, or busy with a script. */
function isForbidden(error: unknown): boolean {
  if (!isReply(error)) return false
  // EXEC only says that something in the transaction was refused; ioredis adds what.
  const { previousErrors = [] } = error as { readonly previousErrors?: readonly Error[] }
  return [error, ...previousErrors].some(({ message }) => message.startsWith('NOPERM '))
}
