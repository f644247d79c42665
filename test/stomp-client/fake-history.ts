/**
 * A server with the history of one destination, in the hand of a test: it keeps the newest messages, answers those who
 * ask with a marker and what they have missed, and may lose, forget, repeat itself and be cut off at any point.
 */
import type { FakeSocket } from './stage.ts'

interface Entry {
  readonly offset: number
  readonly body: string
}

export class FakeHistory {
  #log: Entry[] = []
  #newest = 0
  #epoch = 1
  readonly #size: number
  #socket: FakeSocket | undefined
  #subscription: string | undefined
  /** Frames that still get through before the connection is cut; none unless told. */
  cutAfter = Infinity
  /** So many messages it sends a second time when it answers. */
  overlap = 0

  constructor(size: number) {
    this.#size = size
  }

  get epoch(): string {
    return `epoch-${this.#epoch}`
  }

  /** Serves this connection. */
  serve(socket: FakeSocket): void {
    this.#socket = socket
    this.#subscription = undefined
    socket.onFrame = ({ command, headers }) => {
      if (command !== 'SUBSCRIBE') return
      this.#subscription = headers.get('id')
      this.#answer(headers)
      socket.receipts(socket.frames.slice(-1))
    }
  }

  publish(body: string): void {
    const entry = { offset: ++this.#newest, body }
    this.#log.push(entry)
    this.#trim()
    this.#tell(entry)
  }

  /** Pub/Sub has lost these: whoever is there is told that, and gets what the window still holds of them. */
  publishUnheard(bodies: readonly string[]): void {
    const before = this.#newest
    for (const body of bodies) this.#log.push({ offset: ++this.#newest, body })
    this.#trim()
    if (this.#subscription === undefined) return
    const held = this.#log.filter(({ offset }) => offset > before)
    if (held.length < bodies.length) this.#mark(held.length, { recovered: 'false' })
    for (const entry of held) this.#tell(entry)
  }

  /** As `DELETE /api/history`: everything is gone, offsets begin anew. */
  clear(): void {
    this.#log = []
    this.#newest = 0
    this.#epoch++
    if (this.#subscription !== undefined) this.#mark(0, { recovered: 'false' })
  }

  /** As a failover to a replica that was behind: the same epoch, and nothing tells whoever is there. Cuts them off. */
  fallBack(count: number): void {
    this.cut()
    this.#log = this.#log.slice(0, Math.max(0, this.#log.length - count))
    this.#newest = this.#log.at(-1)?.offset ?? Math.max(0, this.#newest - count)
  }

  cut(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#subscription = undefined
    socket?.cut()
  }

  #trim(): void {
    this.#log = this.#log.slice(-this.#size)
  }

  #answer(headers: { get(name: string): string | undefined }): void {
    const since = headers.get('since')
    const last = Number(headers.get('last') ?? 0)
    if (since === undefined) {
      const entries = last > 0 ? this.#log.slice(-last) : []
      this.#mark(entries.length)
      for (const entry of entries) this.#tell(entry)
      return
    }
    const from = Number(since)
    const oldest = this.#log[0]?.offset ?? this.#newest + 1
    const isHeld = headers.get('epoch') === this.epoch && from <= this.#newest && from >= oldest - 1
    const entries = isHeld ? this.#log.filter(({ offset }) => offset > from - this.overlap) : this.#log
    this.#mark(entries.length, { recovered: String(isHeld) })
    for (const entry of entries) this.#tell(entry)
  }

  #mark(count: number, headers: Readonly<Record<string, string>> = {}): void {
    this.#send({ event: 'position', offset: String(this.#newest), count: String(count), ...headers })
  }

  #tell({ offset, body }: Entry): void {
    this.#send({ offset: String(offset) }, body)
  }

  #send(headers: Readonly<Record<string, string>>, body?: string): void {
    if (this.#subscription === undefined || !this.#socket) return
    if (this.cutAfter <= 0) return this.cut()
    this.cutAfter--
    this.#socket.message(this.#subscription, { epoch: this.epoch, ...headers }, body)
  }
}
