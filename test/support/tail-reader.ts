/** Reads what the debug API tells of a channel, event by event, as a page does it. */

export interface TailEvent {
  readonly event: string
  readonly data: Record<string, unknown>
}

/** Reads a tail piece by piece. */
export class TailReader {
  readonly #reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>
  readonly #decoder = new TextDecoder()
  #text = ''

  constructor(response: Response) {
    this.#reader = response.body!.getReader()
  }

  /** The next event; undefined at the end. Comments are left out. */
  async next(): Promise<TailEvent | undefined> {
    for (;;) {
      const block = await this.#block()
      if (block === undefined) return undefined
      if (block.startsWith(':')) continue
      const [, event, data] = /^event: (\S+)\ndata: (.*)$/.exec(block)!
      return { event: event!, data: JSON.parse(data!) }
    }
  }

  /** The next so many events, each as `event` and its most telling field. */
  async words(count: number): Promise<string[]> {
    const words: string[] = []
    while (words.length < count) {
      const next = await this.next()
      if (!next) return [...words, 'end']
      const { payload, reason, count } = next.data as Partial<Record<string, string | number>>
      words.push([next.event, payload ?? reason ?? count].join(' ').trim())
    }
    return words
  }

  /** The next comment or event, as it is written. */
  async #block(): Promise<string | undefined> {
    while (!this.#text.includes('\n\n')) {
      const { done, value } = await this.#reader.read()
      if (done) return undefined
      this.#text += this.#decoder.decode(value, { stream: true })
    }
    const end = this.#text.indexOf('\n\n')
    const block = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    return block
  }

  block(): Promise<string | undefined> {
    return this.#block()
  }

  cancel(): Promise<void> {
    return this.#reader.cancel()
  }
}
