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
  let bytes = new Uint8Array()
  let size = 0
  for (;;) {
    const { done, value } = (await reader.read().catch((cause: unknown) => {
      throw cutOff('The body ended early: send all of it', cause)
    })) as { done: boolean; value?: Uint8Array<ArrayBuffer> }
    if (done || !value) return bytes.subarray(0, size)
    if (size + value.length > maxBytes) {
      // Not awaited: the rest may never come, and the answer must. A failed cancel changes nothing for the client.
      void reader.cancel().catch(() => {})
      throw tooLarge(maxBytes)
    }
    bytes = size === 0 ? value : withAppended(bytes, size, value, maxBytes)
    size += value.length
  }
}

/**
 * Returns the bytes with more behind the first `size` of them. Pieces are not kept: a client may send each byte as one,
 * and a piece costs a hundred times that.
 */
function withAppended(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
  more: Uint8Array,
  maxBytes: number,
): Uint8Array<ArrayBuffer> {
  let target = bytes
  if (size + more.length > bytes.length) {
    target = new Uint8Array(Math.min(maxBytes, 2 * (size + more.length)))
    target.set(bytes.subarray(0, size))
  }
  target.set(more, size)
  return target
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError('body-too-large', `The body is too large: send at most ${maxBytes} bytes`)
}
