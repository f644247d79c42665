/**
 * Owns reading the bytes of a request body: as many as are allowed, and never more in memory. What they mean is for the
 * caller.
 */
import { HttpError } from './json-error.ts'

/**
 * Reads the body.
 * Errors: HttpError `body-too-large`; what `cutOff` makes, when the body ended early.
 */
export async function readBytes(
  request: Request,
  maxBytes: number,
  cutOff: (message: string, cause: unknown) => HttpError,
): Promise<Uint8Array> {
  // Refused unread: what is announced need not be sent.
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  if (!request.body) return new Uint8Array()
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = (await reader.read().catch((cause: unknown) => {
      throw cutOff('The body ended early: send all of it', cause)
    })) as { done: boolean; value?: Uint8Array }
    if (done || !value) return chunks.length === 1 && chunks[0] ? chunks[0] : joined(chunks, size)
    size += value.length
    if (size > maxBytes) {
      // Not awaited: the rest may never come, and the answer must. A failed cancel changes nothing for the client.
      void reader.cancel().catch(() => {})
      throw tooLarge(maxBytes)
    }
    chunks.push(value)
  }
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError('body-too-large', `The body is too large: send at most ${maxBytes} bytes`)
}
