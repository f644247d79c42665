/**
 * Reads a `text/event-stream` as events. The page cannot use EventSource, which sends no Authorization header.
 * Source: WHATWG HTML, "Server-sent events", "Interpreting an event stream".
 */

export interface ServerEvent {
  /** `message` unless the stream names another. */
  readonly event: string
  readonly data: string
}

/** Returns the events as they come; ends with the stream. A last event that was cut off is not given. */
export async function* readServerEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let hasEndedInCr = false
  let event = ''
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const chunk = decoder.decode(value, { stream: true })
      if (chunk === '') continue
      // The second half of a CRLF ends no line of its own.
      text += hasEndedInCr && chunk.startsWith('\n') ? chunk.slice(1) : chunk
      hasEndedInCr = chunk.endsWith('\r')
      const lines = text.split(/\r\n|\n|\r/)
      text = lines.pop()!
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
          event = ''
          data = []
          continue
        }
        const [field, content] = splitField(line)
        if (field === 'event') event = content
        else if (field === 'data') data.push(content)
      }
    }
  } finally {
    // Whoever stops reading wants no more of it; a stream that has failed cannot be cancelled, and need not be.
    await reader.cancel().catch(() => undefined)
  }
}

/** A comment has an empty field name. */
function splitField(line: string): [field: string, content: string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  const content = line.slice(colon + 1)
  return [line.slice(0, colon), content.startsWith(' ') ? content.slice(1) : content]
}
