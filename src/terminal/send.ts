/** `stomp-bridge send`: sends a message, or each line of standard input as one, and waits until the server has confirmed. */
import { ClientErrorCode, ClientError, createClient, type BridgeClient } from '../stomp-client/index.ts'
import { failureText, lossText } from './failure-text.ts'
import { textOf, visible } from './message-text.ts'
import type { SendOptions } from './options.ts'
import type { Server } from './server.ts'
import { ExitCode, type Terminal } from './terminal.ts'

/** Messages on their way at a time; the bridge lets a client have 256. */
const MAX_UNCONFIRMED = 64
/** No server takes a longer message, and standard input may be anything. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** RFC 6455, 7.4.1: what was sent breaks a rule of the server. */
const REFUSING_CLOSES: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009])
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Ctrl+C came before the end. */
class Interrupted extends Error {}

/** The connection has ended, without an ERROR frame that would say why. `closeCode`: undefined where nobody closed it. */
class Lost extends Error {
  readonly closeCode: number | undefined
  readonly reason: string

  constructor(closeCode: number | undefined, reason: string) {
    super('The connection has ended')
    this.closeCode = closeCode
    this.reason = reason
  }
}

interface Connected {
  readonly client: BridgeClient
  /** Resolves with ClientError or Lost when the connection has ended. */
  readonly ended: Promise<Error>
}

/** Returns the exit code, when all is confirmed or something is not. */
export async function send(options: SendOptions, server: Server, terminal: Terminal): Promise<ExitCode> {
  const { body, isLines, timeoutMs } = options
  const counts = { sent: 0, confirmed: 0 }
  if (body === undefined && !isLines && terminal.isTyped) terminal.note('Type the message. Ctrl+D sends it.')
  const startedAt = performance.now()
  let connected: Connected | undefined
  try {
    const bodies = isLines ? linesOf(terminal.input) : [body ?? (await allOf(terminal.input))]
    connected = await connect(server, timeoutMs)
    await sendAll(connected, bodies, options, counts, terminal)
    const ms = Math.round(performance.now() - startedAt)
    if (isLines) {
      terminal.note(`${messages(counts.confirmed)} sent and confirmed in ${(ms / 1000).toFixed(1)} s`)
    } else terminal.note(`Sent to ${visible(options.destination)} and confirmed in ${ms} ms`)
    return ExitCode.DONE
  } catch (error) {
    const { text, isRefused } = failureOf(error, server.name)
    terminal.note(text)
    if (isLines && counts.sent > 0) {
      // What was refused has not arrived.
      const unsure = counts.sent - counts.confirmed - (isRefused ? 1 : 0)
      const more = unsure > 0 ? `, and ${unsure} more may have arrived` : ''
      terminal.note(`${messages(counts.confirmed)} confirmed before${more}`)
    }
    return isRefused ? ExitCode.REFUSED : ExitCode.UNREACHABLE
  } finally {
    await connected?.client.deactivate()
  }
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`
}

interface Failure {
  readonly text: string
  readonly isRefused: boolean
}

/** Errors: throws what is no failure of the connection or the server. */
function failureOf(error: unknown, server: string): Failure {
  if (error instanceof Interrupted) return { text: 'Interrupted', isRefused: false }
  if (error instanceof Lost) {
    const isRefused = error.closeCode !== undefined && REFUSING_CLOSES.has(error.closeCode)
    return { text: lossText(server, error, isRefused ? 'refuses' : 'has closed the connection'), isRefused }
  }
  if (!(error instanceof ClientError)) throw error
  const { code } = error
  const isAway = code === ClientErrorCode.UNREACHABLE || code === ClientErrorCode.TIMEOUT
  return { text: failureText(error, server), isRefused: !isAway }
}

/** Errors: rejects with ClientError. */
function connect({ clientOptions }: Server, timeoutMs: number): Promise<Connected> {
  return new Promise((resolve, reject) => {
    let end!: (why: Error) => void
    const ended = new Promise<Error>((over) => (end = over))
    const client = createClient({
      ...clientOptions,
      connectTimeoutMs: timeoutMs,
      onConnected: () => resolve({ client, ended }),
      onDisconnected: ({ code, reason, error }) => {
        // One connection has to do: nobody knows how much of what was sent over it has arrived.
        void client.deactivate()
        end(error ?? new Lost(code, reason))
      },
      onError: (error) => {
        void client.deactivate()
        reject(error)
      },
    })
    client.activate()
  })
}

interface Counts {
  sent: number
  confirmed: number
}

/** Errors: rejects with ClientError, Lost or Interrupted as soon as it comes to that, whether or not there is a next body. */
async function sendAll(
  { client, ended }: Connected,
  bodies: AsyncIterable<Uint8Array> | Iterable<string | Uint8Array>,
  { destination, headers, isLines, timeoutMs }: SendOptions,
  counts: Counts,
  terminal: Terminal,
): Promise<void> {
  const waiting = new Set<Promise<void>>()
  let isOver = false
  let fail!: (why: Error) => void
  const failed = new Promise<never>((_resolve, reject) => {
    fail = (why) => {
      isOver = true
      reject(why)
    }
  })
  const confirm = async (receipt: Promise<unknown>) => {
    try {
      await inTime(receipt, timeoutMs)
      counts.confirmed++
      if (isLines) terminal.progress(`${counts.sent} sent, ${counts.confirmed} confirmed`)
    } catch (error) {
      // Why the connection ended is said once, for all that wait.
      if (!(error instanceof ClientError) || error.code !== ClientErrorCode.DISCONNECTED) fail(error as Error)
    }
  }
  const sendEach = async () => {
    for await (const body of bodies) {
      if (isOver) return
      const text = typeof body === 'string' ? body : textOf(body)
      const content = text === undefined ? { binaryBody: body as Uint8Array } : { body: text }
      const confirmed = confirm(client.publish({ destination, headers, ...content, receipt: true })).finally(() =>
        waiting.delete(confirmed),
      )
      waiting.add(confirmed)
      counts.sent++
      if (waiting.size >= MAX_UNCONFIRMED) await Promise.race(waiting)
    }
    await Promise.all(waiting)
    if (counts.confirmed < counts.sent) await failed
  }
  void ended.then(fail)
  terminal.onEnd((reason) => {
    if (reason === 'interrupted') fail(new Interrupted())
  })
  await Promise.race([sendEach(), failed])
}

/** Errors: rejects with ClientError `timeout`. */
async function inTime(receipt: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new ClientError(ClientErrorCode.TIMEOUT, `No receipt within ${timeoutMs} ms`)),
      timeoutMs,
    )
  })
  try {
    await Promise.race([receipt, late])
  } finally {
    clearTimeout(timer)
  }
}

async function allOf(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of input) {
    chunks.push(chunk)
    if ((length += chunk.length) > MAX_BODY_BYTES) throw tooLong()
  }
  return Buffer.concat(chunks)
}

/** Yields the lines without their ends; an empty one is an empty message. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0)
  for await (const chunk of input) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, start)) {
      yield rest.subarray(start, rest[end - 1] === CARRIAGE_RETURN && end > start ? end - 1 : end)
      start = end + 1
    }
    rest = rest.subarray(start)
    if (rest.length > MAX_BODY_BYTES) throw tooLong()
  }
  if (rest.length > 0) yield rest
}

function tooLong(): Error {
  return new Error('The message is longer than 64 MiB')
}
