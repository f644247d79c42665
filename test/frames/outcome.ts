/** What a decoder makes of some chunks, as plain data that tests can compare. */
import {
  DEFAULT_DECODER_LIMITS,
  FrameDecoder,
  FrameError,
  type Frame,
  type FrameErrorCode,
  type Version,
} from '../../frames/index.ts'

export interface PlainFrame {
  readonly command: string
  readonly headers: [name: string, value: string][]
  readonly body: number[]
}

export interface Outcome {
  readonly frames: PlainFrame[]
  readonly error: FrameErrorCode | undefined
  readonly receipt: string | undefined
  readonly bufferedBytes: number
}

export function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data
}

export function plain({ command, headers, body }: Frame): PlainFrame {
  return { command, headers: [...headers].map(([name, value]) => [name, value]), body: [...body] }
}

/** Pushes the chunks one by one, reading all there is after each. Only a FrameError is an outcome. */
export function decodeAll(
  chunks: Iterable<string | Uint8Array>,
  version?: Version,
  limits = DEFAULT_DECODER_LIMITS,
): Outcome {
  const decoder = new FrameDecoder(limits, version)
  const frames: Frame[] = []
  let error: FrameError | undefined
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame)
    }
  } catch (thrown) {
    if (!(thrown instanceof FrameError)) throw thrown
    error = thrown
  }
  // bodies are compared only now, when all that follows was pushed
  return {
    frames: frames.map(plain),
    error: error?.code,
    receipt: error?.receipt,
    bufferedBytes: decoder.bufferedBytes,
  }
}
