/**
 * A command line as `redis-cli` reads it. Text is handled as octets, each a character of the same number: that is how Redis
 * has keys and values, and `"\xff"` can be written. Pure.
 */
import { Buffer } from 'node:buffer'

/** Returns text as octets. */
export function octetsOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** Returns octets as they are sent. */
export function bytesOf(octets: string): Buffer {
  return Buffer.from(octets, 'latin1')
}

const SPACE = /[ \t\n\v\f\r]/
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }

/** Returns the words of a line, as octets; undefined if a quote is not closed, or closed within a word. */
export function splitWords(line: string): string[] | undefined {
  const octets = octetsOf(line)
  if (octets.includes('\0')) return undefined
  const words: string[] = []
  let at = 0
  for (;;) {
    while (at < octets.length && SPACE.test(octets[at]!)) at++
    if (at === octets.length) return words
    const word = readWord(octets, at)
    if (!word) return undefined
    words.push(word.text)
    at = word.end
  }
}

interface Part {
  readonly text: string
  /** Where what follows begins. */
  readonly end: number
}

function readWord(octets: string, start: number): Part | undefined {
  let text = ''
  let at = start
  while (at < octets.length && !SPACE.test(octets[at]!)) {
    const quote = octets[at]!
    if (quote !== '"' && quote !== "'") {
      text += quote
      at++
      continue
    }
    const part = quote === '"' ? readDouble(octets, at + 1) : readSingle(octets, at + 1)
    // What follows a closing quote must be space.
    if (!part || (part.end < octets.length && !SPACE.test(octets[part.end]!))) return undefined
    text += part.text
    at = part.end
  }
  return { text, end: at }
}

function readDouble(octets: string, start: number): Part | undefined {
  let text = ''
  for (let at = start; at < octets.length; at++) {
    const octet = octets[at]!
    if (octet === '"') return { text, end: at + 1 }
    if (octet !== '\\' || at + 1 === octets.length) {
      text += octet
      continue
    }
    const hex = /^x[0-9A-Fa-f]{2}/.exec(octets.slice(at + 1, at + 4))
    if (hex) {
      text += String.fromCharCode(parseInt(hex[0].slice(1), 16))
      at += 3
    } else {
      at++
      text += ESCAPES[octets[at]!] ?? octets[at]!
    }
  }
  return undefined
}

function readSingle(octets: string, start: number): Part | undefined {
  let text = ''
  for (let at = start; at < octets.length; at++) {
    const octet = octets[at]!
    if (octet === "'") return { text, end: at + 1 }
    if (octet === '\\' && octets[at + 1] === "'") at++
    text += octets[at]!
  }
  return undefined
}
