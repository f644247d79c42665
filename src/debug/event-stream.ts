/**
 * Owns a response that goes on: server-sent events (HTML Standard, "Server-sent events") to one reader, with an upper
 * bound on what waits for it. Knows nothing of what is told.
 */

export interface EventStreamOptions {
  /** A comment is sent this often while nothing else is, so that nobody on the way takes the connection for dead. */
  readonly keepAliveMs: number
  /** Characters that may wait for the reader; what comes beyond them is dropped and counted. */
  readonly maxQueuedChars: number
  /** Called once, when the reader has gone or `end` was called. */
  readonly onEnd: () => void
}

const COMMENT = ':\n\n'
const encoder = new TextEncoder()

export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #options: EventStreamOptions
  readonly #keepAlive: ReturnType<typeof setInterval>
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #queue: string[] = []
  #queuedChars = 0
  #dropped = 0
  #isFlushQueued = false
  #hasEnded = false

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.body = new ReadableStream(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#flush(),
        cancel: () => this.#finish(),
      },
      { highWaterMark: 1 },
    )
    this.#keepAlive = setInterval(() => this.#beat(), options.keepAliveMs)
    // At once, so that the reader has the head of the response before the first event.
    this.#add(COMMENT)
  }

  /** Would an event that may be dropped be dropped now? */
  get isFull(): boolean {
    return this.#queuedChars >= this.#options.maxQueuedChars
  }

  /** An event that is always delivered. */
  send(event: string, data: object): void {
    this.#add(eventText(event, data))
  }

  /** An event that was dropped because the stream is full. The reader is told how many, behind what it still gets. */
  drop(): void {
    this.#dropped++
  }

  /** What waits is still sent. */
  end(): void {
    if (this.#hasEnded) return
    this.#write()
    this.#controller.close()
    this.#finish()
  }

  #add(text: string): void {
    if (this.#hasEnded) return
    this.#queue.push(text)
    this.#queuedChars += text.length
    if (this.#isFlushQueued) return
    // What comes in one turn of the event loop leaves together.
    this.#isFlushQueued = true
    queueMicrotask(() => {
      this.#isFlushQueued = false
      this.#flush()
    })
  }

  #flush(): void {
    if (!this.#hasEnded && (this.#controller.desiredSize ?? 0) > 0) this.#write()
  }

  #write(): void {
    if (this.#dropped > 0) this.#queue.push(eventText('dropped', { count: this.#dropped }))
    this.#dropped = 0
    if (this.#queue.length === 0) return
    const text = this.#queue.join('')
    // First, because a reader that waits is served inside enqueue, and asks for more there.
    this.#queue = []
    this.#queuedChars = 0
    this.#controller.enqueue(encoder.encode(text))
  }

  #beat(): void {
    if (this.#queue.length === 0) this.#add(COMMENT)
  }

  #finish(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearInterval(this.#keepAlive)
    this.#queue = []
    this.#options.onEnd()
  }
}

function eventText(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
