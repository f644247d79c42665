/**
 * All that the bridge uses of ioredis beyond what ioredis documents, in one place. test/redis/ioredis-internals.test.ts
 * is the contract: when a new version of ioredis breaks one of these, that file fails and says which.
 */
import { Command, type Redis } from 'ioredis'
import { errorText, isReply } from './replies.ts'

/** Who hears the answers to commands that were written together, in the order of writing. */
export interface Answers {
  resolved(answer: unknown): void
  rejected(error: Error): void
}

/**
 * Sends commands of one name that are written out already, as one write. ioredis keeps the connection, pairs each command
 * with its reply and fails what has none; its own pipelines do the same with several promises to a command.
 */
export function sendWritten(
  redis: Redis,
  name: string,
  count: number,
  write: () => string | Uint8Array,
  answers: Answers,
): void {
  const command = new WrittenCommand(name, answers)
  // Where ioredis writes command by command; the whole is written below.
  const nowhere = { isPipeline: true, write: () => true, destination: { redis } } as const
  for (let i = 0; i < count; i++) redis.sendCommand(command, nowhere)
  if (command.isAnswered) return // there is no connection, and all are rejected
  redis.stream.write(write())
}

/** One command object, sent many times: ioredis resolves or rejects it so often, in the order of sending. */
class WrittenCommand extends Command {
  isAnswered = false

  constructor(name: string, answers: Answers) {
    super(name)
    this.isTraced = true // else a promise and a context for each command, whether anybody listens or not
    this.resolve = (answer: unknown) => {
      this.isAnswered = true
      answers.resolved(answer)
    }
    this.reject = (error: Error) => {
      this.isAnswered = true
      answers.rejected(error)
    }
  }

  /** Asked for each time. */
  override toWritable(): string {
    return ''
  }
}

/** Returns how many commands have been written, and have no answer yet. */
export function unansweredBy(redis: Redis): number {
  return (redis as unknown as { commandQueue: { length: number } }).commandQueue.length
}

/** The parts of a net.Socket that are used below. */
interface Stream {
  readonly connecting?: boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  prependOnceListener(event: 'connect' | 'secureConnect', listener: () => void): unknown
  cork(): void
  uncork(): void
}

/**
 * Calls back with every socket that ioredis makes, before anything happens on it. ioredis hears only the first 'error'
 * of a socket: a second one, such as a write to what the server has closed, would end the process.
 */
export function onEachStream(redis: Redis, isTls: boolean, onError: (error: Error) => void): void {
  const { connector } = redis as unknown as { connector: { connect(emit: unknown): Promise<Stream> } }
  const connect = connector.connect.bind(connector)
  connector.connect = async (emit) => {
    const stream = await connect(emit)
    stream.on('error', onError)
    // The commands of the handshake as one write: a server that says no and closes at once would answer the second
    // write with a reset, and what it has said would be lost in an EPIPE.
    stream.prependOnceListener(isTls ? 'secureConnect' : 'connect', () => {
      stream.cork()
      process.nextTick(() => stream.uncork())
    })
    return stream
  }
}

/** Returns the hash slot of the first key of a command; undefined if it has none. */
export function slotOfCommand(name: string, args: readonly (string | number | Buffer)[]): number | undefined {
  const slot: number | null = new Command(name, [...args]).getSlot()
  return slot ?? undefined
}

export interface HandshakeEvents {
  /** Redis says no to who we are, or to anybody, and closes. ioredis waits for the other answers of the handshake, and forgets this one. */
  onRefused(error: Error): void
  /** Redis wants no password, but was given one. ioredis goes on, and says so on the console, unless AUTH seems to be done. */
  onUnwantedPassword(text: string): void
}

/** Old servers have no HELLO, or not this version of the protocol: ioredis asks in another way. */
const IS_NEGOTIATION = /NOPROTO|unknown command/i
const NEEDS_NO_PASSWORD = /no password is set|without any password configured|wrong number of arguments for 'auth'/

/** Calls back with what Redis says to the handshake, each time that ioredis connects. */
export function onHandshake(redis: Redis, events: HandshakeEvents): void {
  const { hello, auth } = redis as unknown as Record<'hello' | 'auth', (...args: unknown[]) => Promise<unknown>>
  const watched = {
    async hello(...args: unknown[]): Promise<unknown> {
      try {
        return await hello.apply(redis, args)
      } catch (error) {
        if (isReply(error) && !IS_NEGOTIATION.test(error.message)) events.onRefused(error)
        throw error
      }
    },
    async auth(...args: unknown[]): Promise<unknown> {
      try {
        return await auth.apply(redis, args)
      } catch (error) {
        if (!isReply(error)) throw error
        if (NEEDS_NO_PASSWORD.test(error.message)) {
          events.onUnwantedPassword(errorText(error))
          return 'OK'
        }
        events.onRefused(error)
        throw error
      }
    },
  }
  Object.assign(redis, watched)
}

/** What ioredis makes streams with; it connects to what the options of the client say then. */
interface Connector {
  /** Made false by whoever closes the client. */
  connecting: boolean
  connect(emit: unknown): Promise<Stream>
}

/**
 * Makes a client find out where to connect, before each attempt: `locate` resolves to options of the client that differ now. `onUnknown`: nobody knows it now; returns in how many
 * milliseconds it is asked again. Were that a failure of the attempt, ioredis would never make another one.
 */
export function locateFirst(redis: Redis, locate: () => Promise<object>, onUnknown: (error: unknown) => number): void {
  const { connector } = redis as unknown as { connector: Connector }
  const connect = connector.connect.bind(connector)
  connector.connect = async (emit) => {
    connector.connecting = true
    while (connector.connecting) {
      try {
        Object.assign(redis.options, await locate())
        if (connector.connecting) return await connect(emit)
      } catch (error) {
        if (!connector.connecting) break
        const delayMs = onUnknown(error)
        await new Promise((resolve) => setTimeout(resolve, delayMs))
      }
    }
    throw new Error('the connection is closed')
  }
}
