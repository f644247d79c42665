/** How large a frame will be on the wire, and which limits of a server it breaks, before it is sent. */
import { encodeFrame, utf8Length, type FrameToEncode, type Version } from '../../frames/index.ts'
import { byteLength, toText } from './frame-record.ts'

/** The limits of a bridge, by their names in its configuration. */
export type Limits = Readonly<Record<string, number>>

export interface FrameSize {
  /** From the command to the NUL. */
  readonly bytes: number
  readonly headers: number
  /** The longest header line, without its end. */
  readonly longestHeaderBytes: number
}

/** Encodes the head only: a body may have megabytes. */
export function frameSize(frame: FrameToEncode, version: Version, hasContentLength: boolean): FrameSize {
  const { body = '' } = frame
  const bodyBytes = byteLength(body)
  const head = toText(encodeFrame({ ...frame, body: '' }, version)).slice(0, -2)
  const isCounted = bodyBytes > 0 && (hasContentLength || typeof body !== 'string')
  const lines = head.split('\n').slice(1, -1)
  if (isCounted) lines.push(`content-length:${bodyBytes}`)
  const lengths = lines.map((line) => utf8Length(line))
  const headBytes = frame.command.length + 1 + lengths.reduce((sum, length) => sum + length + 1, 0)
  return {
    bytes: headBytes + 1 + bodyBytes + 1,
    headers: lines.length,
    longestHeaderBytes: Math.max(0, ...lengths),
  }
}

const count = (value: number): string => value.toLocaleString('en')

/** The limit that is broken, in words; undefined if none is, or none is known. */
export function brokenLimit({ bytes, headers, longestHeaderBytes }: FrameSize, limits: Limits): string | undefined {
  const over = (name: string, value: number, what: string): string | undefined => {
    const limit = limits[name]
    if (limit === undefined || value <= limit) return undefined
    return `${what}, and this bridge takes at most ${count(limit)} (limits.${name}). It would end the session.`
  }
  return (
    over('maxFrameBytes', bytes, `The frame has ${count(bytes)} bytes`) ??
    over('maxHeaders', headers, `The frame has ${count(headers)} headers`) ??
    over('maxHeaderBytes', longestHeaderBytes, `A header has ${count(longestHeaderBytes)} bytes`)
  )
}
