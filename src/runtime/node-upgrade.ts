/**
 * Requests with an `Upgrade` header, which Node takes out of its HTTP server and hands over raw. The application answers
 * them all; one that asks for something else than a WebSocket (Java's client asks for HTTP/2) is an ordinary request.
 */
import { Buffer } from 'node:buffer'
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FetchHandler, UpgradeOptions } from '../socket.ts'
import { badHandshakeResponse } from './bad-handshake.ts'
import { StreamAsk, type StreamAnswer } from './node-stream.ts'
import { NO_HOST } from './request-host.ts'

/** What the application said. */
export interface UpgradeAnswer {
  readonly response: Response
  /** Undefined if it refused: then `response` is to be sent. */
  readonly accepted: UpgradeOptions | undefined
  /** Defined if `response` is a stream, to be started in place of sending the response. */
  readonly streamed: StreamAnswer | undefined
}

/** A peer that neither sends its body nor reads the answer is dropped after this time, in milliseconds. */
const PEER_TIMEOUT_MS = 30_000

/** Runs the application for the request. Errors: rejects when the request cannot be read. */
export async function answerUpgrade(
  fetch: FetchHandler,
  incoming: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  maxBodyBytes: number,
): Promise<UpgradeAnswer> {
  const ask = new StreamAsk()
  const remoteAddress = incoming.socket.remoteAddress ?? ''
  const isHostMissing = !incoming.headers.host
  if (incoming.method === 'GET' && incoming.headers.upgrade?.toLowerCase() === 'websocket') {
    let accepted: UpgradeAnswer['accepted']
    const request = requestOf(incoming, undefined)
    const watch = new LeavingWatch(request, stream)
    const response = await fetch(request, {
      remoteAddress,
      isHostMissing,
      upgrade(_request, answer) {
        accepted = answer
        return new Response(null)
      },
      stream: ask.stream,
    })
    watch.end()
    return { response, accepted, streamed: ask.answerOf(response) }
  }
  if (incoming.headers['transfer-encoding'] !== undefined) {
    const text = 'Send the body with a content-length, or leave out the Upgrade header'
    return { response: new Response(text, { status: 501 }), accepted: undefined, streamed: undefined }
  }
  const length = Number(incoming.headers['content-length'] ?? 0)
  // one that is too large is refused by its announcement
  const body = length > 0 && length <= maxBodyBytes ? await readExactly(incoming, stream, head, length) : undefined
  const response = await fetch(requestOf(incoming, body), {
    remoteAddress,
    isHostMissing,
    upgrade: refuseUpgrade,
    stream: ask.stream,
  })
  return { response, accepted: undefined, streamed: ask.answerOf(response) }
}

/** The answer to who asks for a WebSocket in a way that is none. */
export function refuseUpgrade(_request: Request, { abandoned }: UpgradeOptions): Response {
  abandoned?.()
  return badHandshakeResponse()
}

/** Sends the response and ends the connection, whatever the peer does. */
export async function sendResponse(stream: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = new Headers(response.headers)
  headers.set('connection', 'close')
  headers.set('content-length', String(body.length))
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const status = STATUS_CODES[response.status] ?? ''
  dropLater(stream)
  stream.once('finish', () => stream.destroy())
  stream.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${response.status} ${status}\r\n${lines}\r\n`), body]))
}

function requestOf(incoming: IncomingMessage, body: Uint8Array<ArrayBuffer> | undefined): Request {
  const headers = new Headers()
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
  }
  const { method = 'GET', url = '/' } = incoming
  const origin = `http://${incoming.headers.host || NO_HOST}`
  // Resolved, a path of two slashes would be a host.
  const { href } = url.startsWith('/') ? new URL(origin + url) : new URL(url, origin)
  const mayHaveBody = method !== 'GET' && method !== 'HEAD' // fetch knows no other requests of these
  return new Request(href, { method, headers, ...(body && mayHaveBody ? { body } : {}) })
}

/**
 * Attaches a signal to a request, aborted when the client leaves before the answer: nobody reads a connection that Node has
 * handed over, so nobody else would notice. Made when it is asked for, because most never do.
 */
class LeavingWatch {
  readonly #stream: Duplex
  #leaving: AbortController | undefined
  readonly #left = (): void => this.#leaving?.abort()
  /** What comes meanwhile stays; only an end that nothing stands before is taken, and told by `end`. */
  readonly #look = (): void => {
    if (this.#stream.readableLength === 0) this.#stream.read()
  }

  constructor(request: Request, stream: Duplex) {
    this.#stream = stream
    Object.defineProperty(request, 'signal', { get: () => this.#signal })
  }

  end(): void {
    if (!this.#leaving) return
    this.#stream.off('readable', this.#look).off('end', this.#left).off('close', this.#left)
  }

  get #signal(): AbortSignal {
    if (!this.#leaving) {
      this.#leaving = new AbortController()
      this.#stream.once('end', this.#left).once('close', this.#left).on('readable', this.#look)
      if (this.#stream.destroyed) this.#left()
    }
    return this.#leaving.signal
  }
}

/** Node hands the body over behind the head on the raw stream, Deno as the request's own data. */
function readExactly(
  incoming: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const chunks = [head]
    let size = head.length
    const timer = dropLater(stream)
    const finish = (): void => {
      clearTimeout(timer)
      stream.off('data', read)
      incoming.off('data', read)
      resolve(new Uint8Array(Buffer.concat(chunks).subarray(0, length)))
    }
    const read = (chunk: Buffer): void => {
      chunks.push(chunk)
      size += chunk.length
      if (size >= length) finish()
    }
    stream.once('close', () => reject(new Error('The connection was closed before the body was complete')))
    if (size >= length) finish()
    else {
      stream.on('data', read)
      incoming.on('data', read)
    }
  })
}

function dropLater(stream: Duplex): ReturnType<typeof setTimeout> {
  const timer = setTimeout(() => stream.destroy(), PEER_TIMEOUT_MS)
  stream.once('close', () => clearTimeout(timer))
  return timer
}
