/**
 * One client that comes, subscribes, sends, acknowledges and goes, in one of the ways in which clients go: with DISCONNECT,
 * by dropping its connection, or by saying nothing more while the connection stays. On a bare socket, so that thousands fit
 * into one process.
 */
import { connect, type Socket } from 'node:net'
import { textMessage } from '../text-message.ts'

/** How a client goes. */
export type Leaving = 'disconnect' | 'drop' | 'half-open'

export interface Life {
  readonly destination: string
  /** It asks for the last messages of it. */
  readonly wantsHistory: boolean
  /** A work queue that it works on too. */
  readonly queue: string | undefined
  readonly lastsSeconds: number
  readonly leaving: Leaving
}

export const HEART_BEAT_MS = 10_000

const PING = 0x89
/** An empty pong, masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
const BEAT = textMessage('\n')
const UPGRADE =
  'GET /stomp HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

export class SoakSession {
  messages = 0
  /** Code of the ERROR frame that it got. */
  error: string | undefined
  readonly #life: Life
  readonly #socket: Socket
  readonly #onGone: (session: SoakSession) => void
  #isConnected = false
  #isSilent = false
  #isGone = false
  #rest = ''

  constructor(port: number, life: Life, onGone: (session: SoakSession) => void) {
    this.#life = life
    this.#onGone = onGone
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.write(UPGRADE)
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#gone())
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  get leaving(): Leaving {
    return this.#life.leaving
  }

  get lastsSeconds(): number {
    return this.#life.lastsSeconds
  }

  beat(): void {
    if (this.#isConnected && !this.#isSilent) this.#socket.write(BEAT)
  }

  /** To its own destination, or to the queue that it works on. */
  send(body: string): void {
    if (!this.#isConnected || this.#isSilent) return
    const { queue, destination } = this.#life
    this.#frame(`SEND\ndestination:${queue ?? destination}\n\n${body}`)
  }

  /** As its life says. A client that goes half-open is gone only when the bridge has noticed. */
  leave(): void {
    if (this.#life.leaving === 'half-open' && this.#isConnected) {
      this.#isSilent = true
      return
    }
    if (this.#life.leaving === 'disconnect' && this.#isConnected) {
      this.#isSilent = true
      this.#frame('DISCONNECT\nreceipt:bye\n\n')
    } else this.drop()
  }

  drop(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    // One that has gone half-open reads on but answers nothing.
    if (chunk[0] === PING && !this.#isSilent) this.#socket.write(PONG)
    const text = this.#rest + chunk.toString('latin1')
    if (!this.#isConnected) this.#rest = this.#open(text)
    else {
      const end = text.lastIndexOf('\0') + 1
      this.#rest = text.slice(end)
      this.#take(text.slice(0, end))
    }
  }

  /** Returns what is not understood yet. */
  #open(text: string): string {
    if (text.includes('CONNECTED\n')) {
      this.#isConnected = true
      this.#subscribe()
      return ''
    }
    if (text.includes('101 ') && text.includes('\r\n\r\n')) {
      const beats = `heart-beat:${HEART_BEAT_MS},${HEART_BEAT_MS}`
      this.#frame(`CONNECT\naccept-version:1.2\nhost:soak\n${beats}\n\n`)
      return ''
    }
    return text
  }

  #subscribe(): void {
    const { destination, wantsHistory, queue } = this.#life
    this.#frame(`SUBSCRIBE\nid:a\ndestination:${destination}\n${wantsHistory ? 'last:5\n' : ''}\n`)
    if (queue) this.#frame(`SUBSCRIBE\nid:q\ndestination:${queue}\nack:client-individual\n\n`)
  }

  #take(text: string): void {
    for (let at = text.indexOf('MESSAGE\n'); at >= 0; at = text.indexOf('MESSAGE\n', at + 1)) this.messages++
    const error = /ERROR\n[^\0]*?\bcode:([\w-]+)/.exec(text)
    if (error) this.error = error[1]
    if (this.#life.queue && !this.#isSilent) {
      for (const [, ack] of text.matchAll(/\nack:([^\n]+)\n/g)) this.#frame(`ACK\nid:${ack}\n\n`)
    }
    if (text.includes('receipt-id:bye')) this.#socket.end()
  }

  #frame(text: string): void {
    this.#socket.write(textMessage(`${text}\0`))
  }

  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#onGone(this)
  }
}
