import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { HIGH_WATER_MARK, OutputQueue } from '../../src/runtime/output-queue.ts'
import { turn } from '../support/fake-turn.ts'

/** A stream whose peer reads when the test says so; all that waits is one write, as in a socket. */
class Pipe extends Duplex {
  readonly taken: Uint8Array[] = []
  #done: (() => void) | undefined

  constructor() {
    super({ highWaterMark: HIGH_WATER_MARK })
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: () => void): void {
    for (const { chunk } of chunks) this.taken.push(chunk)
    this.#done = done
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this._writev([{ chunk }], done)
  }

  override _read(): void {}

  get takenText(): string {
    return Buffer.concat(this.taken).toString()
  }

  /** The peer reads what the kernel has. Returns whether there was anything. */
  async takeNext(): Promise<boolean> {
    const done = this.#done
    this.#done = undefined
    done?.()
    await turn()
    return done !== undefined
  }
}

const KIB = 1024
const numbered = (i: number, length: number) => Buffer.from(`${i};`.padEnd(length, 'x'))

describe('output queue', () => {
  it('writes at once what a stream with room is given', () => {
    const pipe = new Pipe()
    const queue = new OutputQueue(pipe, false)
    queue.write(Buffer.from('a'))
    expect(pipe.takenText).toBe('a')
    expect([queue.bytes, queue.drains]).toEqual([1, 0])
  })

  it.each([false, true])(
    'keeps order and count of bytes through a stream that is full (may cut: %s)',
    async (mayCut) => {
      const pipe = new Pipe()
      const queue = new OutputQueue(pipe, mayCut)
      const all = Array.from({ length: 300 }, (_, i) => numbered(i, ((i * 7919) % 50) * KIB + 10))
      let total = 0
      for (const [i, chunk] of all.entries()) {
        queue.write(chunk)
        total += chunk.length
        if (i % 50 === 49) await pipe.takeNext()
      }
      let before = queue.bytes
      expect(before).toBeLessThan(total)
      while (queue.bytes > 0) {
        expect(await pipe.takeNext()).toBe(true)
        expect(queue.bytes).toBeLessThan(before)
        // no more than the stream asks for, and the chunk that filled it: so it is seen how the peer gets on
        expect(before - queue.bytes).toBeLessThanOrEqual(HIGH_WATER_MARK + 50 * KIB)
        before = queue.bytes
      }
      expect(queue.drains).toBeGreaterThan(50)
      expect(Buffer.concat(pipe.taken).equals(Buffer.concat(all))).toBe(true)
      if (!mayCut) expect(pipe.taken.map(({ length }) => length)).toEqual(all.map(({ length }) => length))
    },
  )

  it('cuts what is long where it may', async () => {
    const pipe = new Pipe()
    const queue = new OutputQueue(pipe, true)
    const long = numbered(1, 1000 * KIB)
    queue.write(long)
    let reads = 0
    while (queue.bytes > 0) {
      await pipe.takeNext()
      reads++
    }
    expect(reads).toBeGreaterThanOrEqual(15)
    expect(Buffer.concat(pipe.taken).equals(long)).toBe(true)
  })

  it('calls back when all has been handed over: at once, or later', async () => {
    const pipe = new Pipe()
    const queue = new OutputQueue(pipe, false)
    let calls = 0
    queue.whenEmpty(() => calls++)
    expect(calls).toBe(1)
    for (let i = 0; i < 3; i++) queue.write(numbered(i, 100 * KIB))
    queue.whenEmpty(() => calls++)
    await pipe.takeNext()
    expect(calls).toBe(1)
    await pipe.takeNext()
    expect(calls).toBe(2)
    expect(pipe.taken).toHaveLength(3)
  })
})
