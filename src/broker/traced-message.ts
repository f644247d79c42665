/** A message on its way out under a span of this bridge: what follows it is told of that span, not of what the message came with. */
import type { HeaderPair } from '../headers.ts'
import type { OutboundMessage } from '../routes/payload.ts'
import { traceHeaders, TRACEPARENT, TRACESTATE, type TraceContext } from '../trace-context.ts'

export class TracedMessage implements OutboundMessage {
  readonly trace: TraceContext
  readonly #message: OutboundMessage

  constructor(message: OutboundMessage, trace: TraceContext) {
    this.#message = message
    this.trace = trace
  }

  get destination(): string {
    return this.#message.destination
  }

  get body(): Uint8Array {
    return this.#message.body
  }

  get session(): string | undefined {
    return this.#message.session
  }

  get user(): string | undefined {
    return this.#message.user
  }

  get replyTo(): string | undefined {
    return this.#message.replyTo
  }

  get headers(): readonly HeaderPair[] {
    const others = this.#message.headers.filter(([name]) => name !== TRACEPARENT && name !== TRACESTATE)
    return [...others, ...traceHeaders(this.trace)]
  }
}
