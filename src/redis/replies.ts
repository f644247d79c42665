/** What a failure of ioredis means for whoever asked, and how it is told to people. */
import { ReplyError } from 'ioredis'
import { BusRefusedError, BusUnavailableError, NotStoredError, QueueFullError } from '../bus/bus.ts'
import { nodeText } from '../config.ts'

/** What Redis says while it cannot do what it will do later. */
const PASSING = /^(BUSY|LOADING|TRYAGAIN|CLUSTERDOWN|MASTERDOWN)\b/

/** Has Redis said no, or has it not answered? */
export function isReply(error: unknown): error is Error {
  return error instanceof ReplyError
}

/** Would the same command be taken a little later? */
export function isPassing(error: unknown): boolean {
  return isReply(error) && PASSING.test(error.message)
}

/** Does only a replica say so? */
export function isOfReplica(error: unknown): boolean {
  return repliesIn(error).some(({ message }) => message.startsWith('READONLY '))
}

/** What Redis does not let us do, also later: Redis 6.2 has no code for it within a script, and says first which one it was. */
const FORBIDDEN =
  /^(ERR Error running script \(call to \w+\): @user_script:\d+: )?(NOPERM |WRONGTYPE |CROSSSLOT |@user_script: \d+: The user executing the script )/

/**
 * What Redis says that stores nothing now, and can do all else: it has no memory left, cannot write to its disk, or misses
 * replicas. Redis 6.2 says first which script it was.
 */
const NOT_STORED =
  /^(ERR Error running script \(call to \w+\): )?(@user_script: ?\d+: ){0,2}-?(OOM|MISCONF|NOREPLICAS) /

/** Of what publishes, as the bus rejects with it. */
export function publishFailure(error: unknown): Error {
  if (isReply(error) && error.message.startsWith('QUEUEFULL ')) return new QueueFullError(error.message)
  return new (kindOf(repliesIn(error)))(errorText(error), { cause: error })
}

function kindOf(replies: readonly Error[]): typeof BusRefusedError | typeof BusUnavailableError {
  if (replies.some(({ message }) => FORBIDDEN.test(message))) return BusRefusedError
  if (replies.some(({ message }) => NOT_STORED.test(message))) return NotStoredError
  return BusUnavailableError // other refusals pass: Redis is loading, or busy with a script
}

export function errorText(error: unknown): string {
  if (error instanceof Error && error.name === 'MaxRetriesPerRequestError')
    return 'the connection went before Redis answered'
  // Node joins the attempts for each address of a host in an AggregateError without a message of its own.
  if (error instanceof AggregateError) return errorText(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

/** EXEC only says that something in the transaction was refused; ioredis adds what. */
function repliesIn(error: unknown): readonly Error[] {
  if (!isReply(error)) return []
  const { previousErrors = [] } = error as { readonly previousErrors?: readonly Error[] }
  return [error, ...previousErrors]
}

/** What a node of a Cluster says instead of an answer, because the keys are on another one, or on their way there. */
export type Redirect =
  { readonly kind: 'moved' | 'ask'; readonly slot: number; readonly address: string } | { readonly kind: 'later' }

/** `said`: the host of the node that said it, which it means where it names none. */
export function redirectIn(error: unknown, said: string): Redirect | undefined {
  const text = error instanceof Error ? error.message : ''
  if (text.startsWith('TRYAGAIN')) return { kind: 'later' }
  const [, kind, slot, host, port] = /^(MOVED|ASK) (\d+) (\S*):(\d+)$/.exec(text) ?? []
  if (kind === undefined) return undefined
  const address = nodeText({ host: !host || host === '?' ? said : host, port: Number(port) })
  return { kind: kind === 'MOVED' ? 'moved' : 'ask', slot: Number(slot), address }
}

/** Returns what Redis has said, also of an error that was made of it; undefined if it has not answered. */
export function replyIn(error: unknown): Error | undefined {
  if (isReply(error)) return error
  return error instanceof Error && isReply(error.cause) ? error.cause : undefined
}
