/**
 * A message as one JSON object, for the doors whose protocol has no frames: `{"destination", "headers", "body"}`, with
 * `"encoding": "base64"` where the body is binary.
 */
import { Buffer } from 'node:buffer'
import type { Marker, MessageContent } from '../delivery/message.ts'

export class JsonFrame {
  /** Up to where a stamp goes: among the headers. */
  readonly #head: string
  readonly #rest: string

  constructor({ id, destination, headers, body, position }: MessageContent) {
    const named = new Map<string, string>([['message-id', id]])
    if (position) named.set('offset', position.offset).set('epoch', position.epoch)
    // STOMP 1.2 "Repeated Header Entries": the first of a name counts.
    for (const [name, value] of headers) if (!named.has(name)) named.set(name, value)
    const pairs = [...named].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    const isText = typeof body === 'string'
    const content = JSON.stringify(isText ? body : Buffer.from(body).toString('base64'))
    this.#head = `{"destination":${JSON.stringify(destination)},"headers":{`
    this.#rest = `${pairs.join(',')}},"body":${content}${isText ? '' : ',"encoding":"base64"'}}`
  }

  get length(): number {
    return this.#head.length + this.#rest.length
  }

  /** The complete object. `stamp`: see {@link droppedStamp}. */
  stamp(stamp: string): string {
    return this.#head + stamp + this.#rest
  }
}

/** Returns the object that tells a subscription where it stands. */
export function positionFrame(destination: string, { position, count, recovered, missed }: Marker): string {
  const { offset, epoch } = position
  return JSON.stringify({ event: 'position', destination, offset, epoch, count, recovered, missed })
}

/** Returns the stamp that tells how many messages before this one were dropped because the client was behind. */
export function droppedStamp(dropped: number): string {
  return dropped > 0 ? `"dropped":"${dropped}",` : ''
}
