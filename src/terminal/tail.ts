/**
 * `stomp-bridge tail`: prints the messages of destinations, of any STOMP server. It reconnects once it has been
 * subscribed, and goes on where it was if the server keeps a history.
 */
import {
  ClientErrorCode,
  createClient,
  type BridgeClient,
  type ClientError,
  type Message,
} from '../stomp-client/index.ts'
import { bodyOf, headLines, jsonLine, visible } from './message-text.ts'
import type { TailOptions } from './options.ts'
import type { Server } from './server.ts'
import { failureText } from './failure-text.ts'
import { ExitCode, type Terminal } from './terminal.ts'

/** Messages cannot be held back at the server: a reader of the output that is so far behind is given up. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024

/** Returns the exit code, when it is over. */
export async function tail(options: TailOptions, server: Server, terminal: Terminal): Promise<ExitCode> {
  const tailing = new Tailing(options, server, terminal)
  return tailing.run()
}

class Tailing {
  readonly #options: TailOptions
  readonly #server: Server
  readonly #terminal: Terminal
  readonly #client: BridgeClient
  readonly #ended: Promise<ExitCode>
  #end!: (code: ExitCode) => void
  #isOver = false
  #count = 0
  /** Destinations that are not subscribed for the first time yet. */
  #missing: number

  constructor(options: TailOptions, server: Server, terminal: Terminal) {
    this.#options = options
    this.#server = server
    this.#terminal = terminal
    this.#missing = options.destinations.length
    this.#ended = new Promise((resolve) => (this.#end = resolve))
    this.#client = createClient({
      ...server.clientOptions,
      onError: (error) => this.#failed(error),
      onDisconnected: ({ retryInMs }) => {
        if (this.#isOver || retryInMs === undefined) return
        terminal.note(`The connection is lost; the next attempt is in ${(retryInMs / 1000).toFixed(1)} s`)
      },
      onRecovery: ({ destination, recovered, missed, count }) => {
        terminal.note(
          recovered
            ? `${visible(destination)}: ${count} messages were missed and follow`
            : `${visible(destination)}: ${missed ?? 'some'} messages are lost`,
        )
      },
    })
  }

  async run(): Promise<ExitCode> {
    const { destinations, headers, from, acknowledges, count, timeoutMs } = this.#options
    const { position, last, sinceTime } = from
    for (const destination of destinations) {
      this.#client.subscribe(destination, (message) => this.#print(message), {
        headers,
        ...(acknowledges ? { ack: 'client-individual' as const } : {}),
        ...(position ? { position } : {}),
        ...(last === undefined ? {} : { last }),
        ...(sinceTime === undefined ? {} : { sinceTime }),
        onLive: () => this.#live(),
      })
    }
    this.#terminal.onEnd((reason) =>
      this.#over(reason === 'interrupted' && count !== undefined ? ExitCode.UNREACHABLE : ExitCode.DONE),
    )
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#timedOut(timeoutMs), timeoutMs)
    this.#client.activate()
    const code = await this.#ended
    clearTimeout(timer)
    await this.#client.deactivate()
    return code
  }

  #live(): void {
    if (this.#missing === 0) {
      this.#terminal.note('Connected again')
      return
    }
    this.#missing--
    if (this.#missing > 0) return
    const names = this.#options.destinations.map(visible).join(', ')
    this.#terminal.note(`Subscribed to ${names} at ${this.#server.name}`)
  }

  #print(message: Message): void {
    if (this.#isOver) return
    const { format, acknowledges, count } = this.#options
    const now = new Date()
    if (format === 'json') this.#terminal.write(jsonLine(message, now))
    else {
      if (format === 'verbose') this.#terminal.write(headLines(message, now))
      this.#terminal.write(bodyOf(message, this.#terminal.isTerminal))
      if (format === 'verbose') this.#terminal.write('\n')
    }
    if (acknowledges) message.ack()
    if (++this.#count === count) this.#over(ExitCode.DONE)
    else if (this.#terminal.unwrittenBytes > MAX_UNWRITTEN_BYTES) {
      this.#terminal.note('Whoever reads the output is too slow: more than 64 MiB wait')
      this.#over(ExitCode.UNREACHABLE)
    }
  }

  #failed(error: ClientError): void {
    if (this.#isOver) return
    const isUnreachable = error.code === ClientErrorCode.UNREACHABLE || error.code === ClientErrorCode.TIMEOUT
    // What was never subscribed will not be, and what is refused for good is refused again.
    const isFinal = this.#missing > 0 || error.isFatal
    this.#terminal.note(failureText(error, this.#server.name))
    if (isFinal) this.#over(isUnreachable ? ExitCode.UNREACHABLE : ExitCode.REFUSED)
  }

  #timedOut(timeoutMs: number): void {
    const { count } = this.#options
    const wanted = count === undefined ? '' : ` of ${count}`
    this.#terminal.note(`${this.#count}${wanted} messages within ${timeoutMs / 1000} s`)
    this.#over(count === undefined && this.#missing === 0 ? ExitCode.DONE : ExitCode.UNREACHABLE)
  }

  #over(code: ExitCode): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#end(code)
  }
}
