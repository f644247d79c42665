/** `stomp-bridge send`: sends a message, or each line of standard input as one, and waits until the server has confirmed. */
import { ClientErrorCode, ClientError, createClient, type BridgeClient } from '../stomp-client/index.ts'
import { failureText } from './failure-text.ts'
import { textOf, visible } from './message-text.ts'
import type { SendOptions } from './options.ts'
import type { Server } from './server.ts'
import { ExitCode, type Terminal } from './terminal.ts'

/** Messages on their way at a time; the bridge lets a client have 256. */
const MAX_UNCONFIRMED = 64
/** No server takes a longer message, and standard input may be anything. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Returns the exit code, when all is confirmed or something is not. */
export async function send(options: SendOptions, server: Server, terminal: Terminal): Promise<ExitCode> {
  const { body, isLines, timeoutMs } = options
  const counts = { sent: 0, confirmed: 0 }
  if (body === undefined && !isLines && terminal.isTyped) terminal.note('Type the message. Ctrl+D sends it.')
  const startedAt = performance.now()
  let client: BridgeClient | undefined
  try {
    const bodies = isLines ? linesOf(terminal.input) : [body ?? (await allOf(terminal.input))]
    client = await connect(server, timeoutMs)
    terminal.onEnd(() => void client?.deactivate())
    await sendAll(client, bodies, options, counts, terminal)
    const ms = Math.round(performance.now() - startedAt)
    if (isLines) terminal.note(`${counts.confirmed} messages sent and confirmed in ${(ms / 1000).toFixed(1)} s`)
    else terminal.note(`Sent to ${visible(options.destination)} and confirmed in ${ms} ms`)
    return ExitCode.DONE
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    const { code } = error
    const isLost = code === ClientErrorCode.DISCONNECTED && !(error.cause instanceof ClientError)
    const reason = error.cause instanceof ClientError ? error.cause : error
    terminal.note(isLost ? `The connection to ${server.name} has ended` : failureText(reason, server.name))
    const isAway = isLost || reason.code === ClientErrorCode.UNREACHABLE || reason.code === ClientErrorCode.TIMEOUT
    if (isLines && counts.sent > 0) {
      // What was refused has not arrived.
      const unsure = counts.sent - counts.confirmed - (isAway ? 0 : 1)
      terminal.note(`${counts.confirmed} messages were confirmed before, and ${unsure} more may have arrived`)
    }
    return isAway ? ExitCode.UNREACHABLE : ExitCode.REFUSED
  } finally {
    await client?.deactivate()
  }
}

/** Errors: rejects with ClientError. */
function connect({ clientOptions }: Server, timeoutMs: number): Promise<BridgeClient> {
  return new Promise((resolve, reject) => {
    const client = createClient({
      ...clientOptions,
      connectTimeoutMs: timeoutMs,
      onConnected: () => resolve(client),
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

async function sendAll(
  client: BridgeClient,
  bodies: AsyncIterable<Uint8Array> | Iterable<string | Uint8Array>,
  { destination, headers, isLines, timeoutMs }: SendOptions,
  counts: Counts,
  terminal: Terminal,
): Promise<void> {
  const waiting = new Set<Promise<void>>()
  let failure: Error | undefined
  const confirm = async (receipt: Promise<unknown>) => {
    try {
      await inTime(receipt, timeoutMs)
      counts.confirmed++
      if (isLines) terminal.progress(`${counts.sent} sent, ${counts.confirmed} confirmed`)
    } catch (error) {
      failure ??= error as Error
    }
  }
  for await (const body of bodies) {
    const text = typeof body === 'string' ? body : textOf(body)
    const content = text === undefined ? { binaryBody: body as Uint8Array } : { body: text }
    const confirmed = confirm(client.publish({ destination, headers, ...content, receipt: true })).finally(() =>
      waiting.delete(confirmed),
    )
    waiting.add(confirmed)
    counts.sent++
    if (waiting.size >= MAX_UNCONFIRMED) await Promise.race(waiting)
    if (failure) throw failure
  }
  await Promise.all(waiting)
  if (failure) throw failure
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
