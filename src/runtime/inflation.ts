/**
 * Decompression of what clients of `ws` send, in place of its own: that keeps an inflate stream for every socket that has
 * ever sent a compressed message, and on Deno 2.9 a broken message throws from a callback of that stream and ends the
 * process. Without context takeover no stream is needed: a message is inflated in one call, which stops at the limit.
 */
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { constants, inflateRawSync } from 'node:zlib'
import type { WebSocket } from 'ws'

/** As much of the extension object of a socket as the receiver of `ws` uses for a message; all fragments come to it. */
interface Extension {
  decompress(data: Buffer, isLast: boolean, done: (error: Error | null, message?: Buffer) => void): void
}

/** RFC 7692 section 7.2.2: a sender leaves this out. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
const NOTHING = Buffer.alloc(0)

/**
 * To be called as soon as the socket is there, before it reads. Messages larger than the limit, in bytes, close it with
 * 1009 and broken ones with 1007. A socket that cannot be changed, because `ws` has changed, is dropped.
 */
export function inflateMessages(ws: WebSocket, maxMessageBytes: number): void {
  const { _extensions: extensions } = ws as unknown as { _extensions?: Readonly<Record<string, Extension>> }
  const extension = extensions?.['permessage-deflate']
  if (typeof extension?.decompress !== 'function') {
    ws.terminate()
    return
  }
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxMessageBytes }
  let fragments: Buffer[] = []
  extension.decompress = (data, isLast, done) => {
    // `ws` limits number and length of fragments.
    fragments.push(data)
    let message = NOTHING
    let failure: Error | null = null
    if (isLast) {
      fragments.push(TAIL)
      try {
        message = inflateRawSync(Buffer.concat(fragments), options)
      } catch (error) {
        failure = error as Error
        const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
        ws.close(isTooLarge ? 1009 : 1007)
      }
      fragments = []
    }
    // Later, as `ws` expects it: at once, each message would be read inside the one before.
    process.nextTick(done, failure, message)
  }
}
