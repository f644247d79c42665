/** How a client writes a text message of less than 64 KiB on a WebSocket (RFC 6455, 5.2). */

/** Returns one frame: masked, as clients must, with a mask of zeros. */
export function textMessage(text: string): Buffer {
  const payload = Buffer.from(text)
  const { length } = payload
  const header =
    length < 126 ? Buffer.from([0x81, 0x80 | length]) : Buffer.from([0x81, 0x80 | 126, length >> 8, length & 0xff])
  return Buffer.concat([header, Buffer.alloc(4), payload])
}
