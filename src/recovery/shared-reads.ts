/**
 * A stream that many read at once: whoever wants the same while it is being read shares the next read with all others who do.
 * Never the one that is on its way: that may be older than what its reader knows already.
 */
import type { StreamEntry, StreamFollower, StreamInfo, StreamSource } from '../history/stream.ts'

interface Reads {
  readonly current: Promise<unknown>
  next: Promise<unknown> | undefined
}

export class SharedReads implements StreamSource {
  readonly #source: StreamSource
  readonly #onRead: () => void
  readonly #reads = new Map<string, Reads>()

  /** `onRead`: called for each that is done. */
  constructor(source: StreamSource, onRead: () => void) {
    this.#source = source
    this.#onRead = onRead
  }

  follow(stream: string, follower: StreamFollower): void {
    this.#source.follow(stream, follower)
  }

  start(): void {
    this.#source.start()
  }

  info(stream: string): Promise<StreamInfo> {
    return this.#share(JSON.stringify([stream]), () => this.#source.info(stream))
  }

  forward(stream: string, from: string, count: number): Promise<StreamEntry[]> {
    const key = JSON.stringify([stream, from, count])
    return this.#share(key, () => this.#source.forward(stream, from, count))
  }

  backward(stream: string, to: string, isBefore: boolean, count: number): Promise<StreamEntry[]> {
    const key = JSON.stringify([stream, to, isBefore, count])
    return this.#share(key, () => this.#source.backward(stream, to, isBefore, count))
  }

  close(): void {
    this.#source.close()
  }

  #share<T>(key: string, read: () => Promise<T>): Promise<T> {
    const reads = this.#reads.get(key)
    if (!reads) return this.#begin(key, read)
    const begin = (): Promise<T> => this.#begin(key, read)
    reads.next ??= reads.current.then(begin, begin)
    return reads.next as Promise<T>
  }

  #begin<T>(key: string, read: () => Promise<T>): Promise<T> {
    this.#onRead()
    const current = read()
    const reads: Reads = { current, next: undefined }
    this.#reads.set(key, reads)
    const end = (): void => {
      if (this.#reads.get(key) === reads && !reads.next) this.#reads.delete(key)
    }
    current.then(end, end)
    return current
  }
}
