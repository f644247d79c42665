/** The clients of a run as seen from here: fleets, each spread over the generator processes. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { start, stop } from './children.ts'
import type { Protocol } from './fleet.ts'
import type { Answer, Envelope, Request } from './generator.ts'
import { cpuMicros } from './process-usage.ts'

/** Two, so that a server on one core is not waiting for its clients. */
const GENERATORS = 2
/** Clients that note how long messages take. */
const SAMPLED = 50
/** Messages that have not come by then are lost, in milliseconds. */
const LOST_AFTER_MS = 20_000
/** How often it is asked how many have come, in milliseconds. */
const LOOK_AGAIN_MS = 2

class Generator {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #lastId = 0

  constructor() {
    this.#child = start([process.execPath, fileURLToPath(new URL('generator.ts', import.meta.url))], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#pending.get(id)
      this.#pending.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
    this.#child.on('exit', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('The generator process ended'))
    })
  }

  ask(fleet: number, request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#pending.set(id, { resolve, reject })
      this.#child.send({ ...request, id, fleet } satisfies Envelope)
    })
  }

  cpuMicros(): number {
    return cpuMicros(this.#child.pid!)
  }

  stop(): Promise<void> {
    return stop(this.#child)
  }
}

/** The generator processes. */
export class Clients {
  readonly #generators = Array.from({ length: GENERATORS }, () => new Generator())
  #fleets = 0

  /** Connects so many clients; resolves when all are. `spread` over all processes, or in the first alone. */
  async connect(options: {
    port: number
    size: number
    protocol: Protocol
    isSampled?: boolean
  }): Promise<ClientFleet> {
    const { port, size, protocol, isSampled = false } = options
    const sampleEvery = isSampled ? Math.max(1, Math.floor(size / SAMPLED)) : 0
    const share = Math.ceil(size / this.#generators.length)
    const id = ++this.#fleets
    const parts = this.#generators
      .map((generator, i) => ({ generator, first: i * share, size: Math.min(share, size - i * share) }))
      .filter((part) => part.size > 0)
    await Promise.all(
      parts.map((part) =>
        part.generator.ask(id, {
          do: 'connect',
          options: { port, first: part.first, size: part.size, protocol, sampleEvery },
        }),
      ),
    )
    return new ClientFleet(id, parts)
  }

  /** CPU time of each process so far, in microseconds. */
  cpuMicros(): number[] {
    return this.#generators.map((generator) => generator.cpuMicros())
  }

  async stop(): Promise<void> {
    await Promise.all(this.#generators.map((generator) => generator.stop()))
  }
}

interface Part {
  readonly generator: Generator
  readonly first: number
  readonly size: number
}

export class ClientFleet {
  readonly size: number
  readonly #id: number
  readonly #parts: readonly Part[]
  /** Messages that each part should have had when all that was announced has come. */
  readonly #expected: number[]
  #expectedTogether = 0

  constructor(id: number, parts: readonly Part[]) {
    this.#id = id
    this.#parts = parts
    this.#expected = parts.map(() => 0)
    this.size = parts.reduce((sum, part) => sum + part.size, 0)
  }

  /** Every client will get so many more; resolves when they have come. Errors: rejects if they do not. */
  expectEach(messages: number): Promise<void> {
    return this.#expect((part) => part.size * messages)
  }

  /** So many messages will go to one client after the other, the first of them to client `from`. */
  expectInTurn(messages: number, from: number): Promise<void> {
    const counts = this.#parts.map(() => 0)
    for (let i = 0; i < messages; i++) {
      const client = (from + i) % this.size
      counts[this.#parts.findIndex(({ first, size }) => client >= first && client < first + size)]!++
    }
    return this.#expect((_part, i) => counts[i]!)
  }

  async #expect(countOf: (part: Part, index: number) => number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const arrived = this.#parts.map((part, i) => {
      this.#expected[i]! += countOf(part, i)
      return part.generator.ask(this.#id, { do: 'until', total: this.#expected[i]! })
    })
    const lost = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        void this.received().then((received) => {
          const expected = this.#expected.reduce((sum, each) => sum + each, 0)
          reject(new Error(`Of ${expected} messages only ${received} have come`))
        })
      }, LOST_AFTER_MS)
    })
    await Promise.race([Promise.all(arrived), lost]).finally(() => clearTimeout(timer))
  }

  /** So many more will come, whoever of the clients gets them; resolves when they have. Errors: rejects if they do not. */
  async expectTogether(messages: number): Promise<void> {
    this.#expectedTogether += messages
    const begun = performance.now()
    for (;;) {
      const received = await this.received()
      if (received >= this.#expectedTogether) return
      if (performance.now() - begun > LOST_AFTER_MS) {
        throw new Error(`Of ${this.#expectedTogether} messages only ${received} have come`)
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }

  /** Every client sends `text` so many times, then `last`. */
  async send(text: string, times: number, last: string): Promise<void> {
    await this.#ask({ do: 'send', text, times, last })
  }

  async beat(everyMs: number): Promise<void> {
    await this.#ask({ do: 'beat', everyMs })
  }

  /** The first client stops reading. */
  async stallOne(): Promise<void> {
    const { generator } = this.#parts[0]!
    await generator.ask(this.#id, { do: 'stall' })
  }

  /** In milliseconds, of the sampled clients, since the last call. */
  async takeLatencies(): Promise<number[]> {
    return ((await this.#ask({ do: 'latencies' })) as number[][]).flat()
  }

  /** How long each client took to be there, in milliseconds. */
  async joins(): Promise<number[]> {
    return ((await this.#ask({ do: 'joins' })) as number[][]).flat()
  }

  received(): Promise<number> {
    return this.#sum('received')
  }

  /** Read so far, by all clients. */
  bytes(): Promise<number> {
    return this.#sum('bytes')
  }

  async close(): Promise<void> {
    await this.#ask({ do: 'close' })
  }

  async #sum(what: 'received' | 'bytes'): Promise<number> {
    return ((await this.#ask({ do: what })) as number[]).reduce((sum, each) => sum + each, 0)
  }

  #ask(request: Request): Promise<unknown[]> {
    return Promise.all(this.#parts.map(({ generator }) => generator.ask(this.#id, request)))
  }
}
