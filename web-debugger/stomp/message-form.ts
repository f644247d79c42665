/** The message that somebody is composing, as signals for a form, and what it is once it is read. */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Header } from '../../frames/index.ts'
import type { HeaderRow } from '../ui/parse-header-rows.ts'
import { parseBase64, parseEscapes, parseHex, problemOfJson, type Parsed } from './body.ts'
import type { WireData } from './frame-record.ts'

export type BodyKind = 'text' | 'json' | 'hex' | 'base64' | 'file'

export interface ChosenFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A message that can be filled in again. */
export interface Draft {
  readonly destination: string
  readonly headers: readonly HeaderRow[]
  readonly bodyKind: BodyKind
  readonly text: string
  readonly file: ChosenFile | undefined
}

/** A message ready to go. */
export interface Message {
  readonly destination: string
  readonly headers: readonly Header[]
  readonly body: WireData
}

export class MessageForm {
  readonly destination = signal('')
  readonly headers: Signal<readonly HeaderRow[]> = signal([])
  readonly bodyKind = signal<BodyKind>('text')
  readonly text = signal('')
  readonly file = signal<ChosenFile | undefined>(undefined)
  /** For a connection without STOMP: `\0` in the text is a NUL. */
  readonly hasEscapes = signal(false)
  readonly #body: ReadonlySignal<Parsed<WireData>> = computed(() => this.#parseBody())
  readonly bodyProblem: ReadonlySignal<string | undefined> = computed(() => {
    // An empty form is not wrong yet.
    const isUntouched = this.text.value === '' && this.bodyKind.value !== 'file'
    return isUntouched ? undefined : this.readBody().problem
  })

  readBody(): Parsed<WireData> {
    return this.#body.value
  }

  #parseBody(): Parsed<WireData> {
    const text = this.text.value
    switch (this.bodyKind.value) {
      case 'hex':
        return parseHex(text)
      case 'base64':
        return parseBase64(text)
      case 'file': {
        const file = this.file.value
        return file ? { value: file.bytes } : { problem: 'Choose a file' }
      }
      case 'json': {
        const problem = problemOfJson(text)
        return problem === undefined ? { value: text } : { problem }
      }
      case 'text':
        return this.hasEscapes.value ? parseEscapes(text) : { value: text }
    }
  }

  readMessage(): Parsed<Message> {
    const body = this.readBody()
    if (body.problem !== undefined) return body
    const destination = this.destination.value.trim()
    if (destination === '') return { problem: 'Say where it goes: a destination such as /app/greet' }
    const headers = this.headers.value.filter((row) => row.name !== '').map(({ name, value }): Header => [name, value])
    const hasType = headers.some(([name]) => name === 'content-type')
    if (this.bodyKind.value === 'json' && !hasType) headers.push(['content-type', 'application/json'])
    return { value: { destination, headers, body: body.value } }
  }

  read(): Draft {
    return {
      destination: this.destination.value,
      headers: this.headers.value,
      bodyKind: this.bodyKind.value,
      text: this.text.value,
      file: this.file.value,
    }
  }

  fill(draft: Draft): void {
    this.destination.value = draft.destination
    this.headers.value = draft.headers
    this.bodyKind.value = draft.bodyKind
    this.text.value = draft.text
    this.file.value = draft.file
  }
}
