/**
 * How readers of Server-Sent Events get a message: an event `message` whose data is the body, or the message as JSON where
 * events cannot carry the body or several destinations share the stream. HTML Standard, "Server-sent events".
 */
import { JsonFrame } from '../client/json-frame.ts'
import type { Encoded, Encoding, MessageContent } from '../delivery/message.ts'
import type { Position } from '../position.ts'
import { positionsText } from '../recovery/positions.ts'

class Event implements Encoded {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get length(): number {
    return this.#text.length
  }

  /** `stamp`: events that go before it. */
  stamp(stamp: string): string {
    return stamp + this.#text
  }
}

/** For a stream with one destination. */
export const BODY_EVENTS: Encoding = {
  key: 'sse',
  isJoinable: false,
  encode: (message) => new Event(idOf(message) + eventText('message', dataOf(message))),
}

/** For a stream with several; the id is in the stamp. */
export const JSON_EVENTS: Encoding = {
  key: 'sse json',
  isJoinable: false,
  encode: (message) => new Event(eventText('message', new JsonFrame(message).stamp(''))),
}

/** Returns one event. `data` has no carriage return: readers take that for the end of a line. */
export function eventText(event: string, data: string): string {
  return `event: ${event}\ndata: ${data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data}\n\n`
}

function idOf({ position }: MessageContent): string {
  return position ? idText([position]) : ''
}

/** Returns the line that says where the reader stands with the event that follows. */
export function idText(positions: readonly (Position | undefined)[]): string {
  return `id: ${positionsText(positions)}\n`
}

/** Readers drop an event without data, and turn a carriage return into a line feed. */
function dataOf(message: MessageContent): string {
  const { body } = message
  const fits = typeof body === 'string' && body !== '' && !body.includes('\r')
  return fits ? body : new JsonFrame(message).stamp('')
}
