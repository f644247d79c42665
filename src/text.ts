/** Strings as the engines keep them, and octets that are a text. */

const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Returns the same text by itself: what is cut out of a frame would keep all of the frame's text in memory. */
export function ownCopy(text: string): string {
  return ` ${text}`.slice(1)
}

/** Returns the text whose UTF-8 is exactly this; undefined for what is no UTF-8, and for a text that has U+FFFD itself. */
export function textOf(octets: Uint8Array): string | undefined {
  const text = utf8Decoder.decode(octets)
  // Nothing else stands for what could not be decoded: to ask the decoder to throw costs more than to look.
  return text.includes('\uFFFD') ? undefined : text
}
