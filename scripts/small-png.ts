/**
 * Makes a picture of a page a third of its size: as PNG with a palette of 256 colours, since the others are shades
 * of letters that nobody tells apart. Knows the PNG that Chromium writes (8 bits a channel, not interlaced).
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const MAX_COLOURS = 256
/** Colour types of PNG, with the bytes of a pixel. */
const BYTES_PER_PIXEL: Readonly<Record<number, number>> = { 2: 3, 6: 4 }
const PALETTE_TYPE = 3

export function toSmallPng(png: Buffer): Buffer {
  const { width, height, bytesPerPixel, rows } = readPng(png)
  const colours = new Uint32Array(width * height)
  const counts = new Map<number, number>()
  for (let at = 0; at < colours.length; at++) {
    const colour = rows.readUIntBE(at * bytesPerPixel, 3)
    colours[at] = colour
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = choosePalette([...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour))
  const places = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour)]))
  // Each row begins with its filter: none.
  const indexed = Buffer.alloc(height * (width + 1))
  colours.forEach((colour, at) => (indexed[at + Math.floor(at / width) + 1] = places.get(colour)!))
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, PALETTE_TYPE], 8)
  const entries = Buffer.concat(palette.map((colour) => Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255])))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', entries),
    chunk('IDAT', deflateSync(indexed, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** The commonest colours, but none so near to another that it takes the place of one that is rare and of its own. */
function choosePalette(colours: readonly number[]): readonly number[] {
  for (let apart = 0; ; apart += 4) {
    const palette: number[] = []
    for (const colour of colours) {
      if (palette.every((chosen) => distance(chosen, colour) > apart ** 2)) palette.push(colour)
      if (palette.length > MAX_COLOURS) break
    }
    if (palette.length <= MAX_COLOURS) return palette
  }
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  for (let place = 1; place < palette.length; place++) {
    if (distance(palette[place]!, colour) < distance(palette[best]!, colour)) best = place
  }
  return best
}

/** Squared. */
function distance(a: number, b: number): number {
  const red = (a >> 16) - (b >> 16)
  const green = ((a >> 8) & 255) - ((b >> 8) & 255)
  const blue = (a & 255) - (b & 255)
  return red ** 2 + green ** 2 + blue ** 2
}

function readPng(png: Buffer) {
  const data: Buffer[] = []
  let header: Buffer | undefined
  for (let at = SIGNATURE.length; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const content = png.subarray(at + 8, at + 8 + png.readUInt32BE(at))
    const type = png.toString('latin1', at + 4, at + 8)
    if (type === 'IHDR') header = content
    if (type === 'IDAT') data.push(content)
  }
  const bytesPerPixel = header && BYTES_PER_PIXEL[header[9]!]
  if (!header || bytesPerPixel === undefined || header[8] !== 8 || header[12] !== 0) {
    throw new Error('This is no PNG of the kind that Chromium writes')
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  return {
    width,
    height,
    bytesPerPixel,
    rows: unfilter(inflateSync(Buffer.concat(data)), width * bytesPerPixel, bytesPerPixel),
  }
}

/** PNG specification, 9.2: each byte was written as the difference to a guess from its neighbours. */
function unfilter(filtered: Buffer, rowBytes: number, bytesPerPixel: number): Buffer {
  const rows = Buffer.alloc((filtered.length / (rowBytes + 1)) * rowBytes)
  for (let from = 0, to = 0; from < filtered.length; from += rowBytes + 1, to += rowBytes) {
    const guess = GUESSES[filtered[from]!]!
    for (let x = 0; x < rowBytes; x++) {
      const left = x >= bytesPerPixel ? rows[to + x - bytesPerPixel]! : 0
      const above = to > 0 ? rows[to + x - rowBytes]! : 0
      const corner = x >= bytesPerPixel && to > 0 ? rows[to + x - rowBytes - bytesPerPixel]! : 0
      rows[to + x] = filtered[from + 1 + x]! + guess(left, above, corner)
    }
  }
  return rows
}

const GUESSES: readonly ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_left, above) => above,
  (left, above) => (left + above) >> 1,
  (left, above, corner) => {
    const [toLeft, toAbove, toCorner] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs)
    if (toLeft! <= toAbove! && toLeft! <= toCorner!) return left
    return toAbove! <= toCorner! ? above : corner
  },
]

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const frame = Buffer.alloc(named.length + 8)
  frame.writeUInt32BE(content.length, 0)
  named.copy(frame, 4)
  frame.writeUInt32BE(crc32(named), named.length + 4)
  return frame
}
