/** One message on its way to subscribers: encoded once for each version that one of them speaks. */
import { MessageTemplate, type Header, type Version } from '../../frames/index.ts'

export class OutgoingMessage {
  /** About how long its frames are: characters of text, or bytes. */
  readonly length: number
  readonly #headers: readonly Header[]
  readonly #body: string | Uint8Array
  /** Nearly always there is one. */
  #first: MessageTemplate | undefined
  #firstVersion: Version | undefined
  #others: Map<Version, MessageTemplate> | undefined

  /** `headers` are those of the MESSAGE frame but for what differs per subscription. */
  constructor(headers: readonly Header[], body: string | Uint8Array) {
    let length = body.length
    for (const [name, value] of headers) length += name.length + value.length
    this.length = length
    this.#headers = headers
    this.#body = body
  }

  template(version: Version): MessageTemplate {
    if (this.#firstVersion === version) return this.#first!
    let template = this.#others?.get(version)
    if (template) return template
    template = new MessageTemplate(this.#headers, this.#body, version)
    if (this.#first) (this.#others ??= new Map()).set(version, template)
    else {
      this.#first = template
      this.#firstVersion = version
    }
    return template
  }
}
