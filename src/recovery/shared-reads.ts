/** A stream that many read at once: they share reads, see {@link FreshReads}. */
import { FreshReads } from '../fresh-reads.ts'
import type { StreamEntry, StreamFollower, StreamInfo, StreamSource } from '../history/stream.ts'

export class SharedReads implements StreamSource {
  readonly #source: StreamSource
  readonly #onRead: () => void
  readonly #reads = new FreshReads()

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
    return this.#reads.share(key, () => {
      this.#onRead()
      return read()
    })
  }
}
