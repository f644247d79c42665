/**
 * Owns how the text of a JSON value is found inside a larger JSON text. What is parsed and written again is another
 * text: long integers lose digits, `10.50` its zero, keys their order. Written here because the JSON of Node 20 has no
 * source text, and a scanner from a package took three times as long as parsing and writing.
 */

/**
 * JSON nested deeper than this is refused: whoever reads it next could exhaust its stack. Jackson, which backends in
 * Java read with, has the same limit (StreamReadConstraints, since 2.15).
 */
export const MAX_JSON_DEPTH = 1000

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Is this the text of a JSON value? */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Returns the text of each member's value of an object, without the white space around it; of equal names the last one
 * counts, as for JSON.parse. Returns undefined where the object is nested deeper than {@link MAX_JSON_DEPTH}.
 *
 * `json`: the text of an object that JSON.parse has read; other texts give anything.
 */
export function memberTexts(json: string): ReadonlyMap<string, string> | undefined {
  const texts = new Map<string, string>()
  let depth = 0
  let name: string | undefined
  let start = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) {
      const end = endOfString(json, i)
      if (depth === 1 && name === undefined) {
        name = JSON.parse(json.slice(i, end + 1)) as string
        start = json.indexOf(':', end) + 1
        i = start - 1
      } else i = end
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (++depth > MAX_JSON_DEPTH) return undefined
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST || (code === COMMA && depth === 1)) {
      if (depth === 1 && name !== undefined) {
        texts.set(name, json.slice(start, i).trim())
        name = undefined
      }
      if (code !== COMMA) depth--
    }
  }
  return texts
}

/**
 * Returns the text of each element of a list, without the white space around it. `json`: the text of a list that JSON.parse
 * has read, nested no deeper than {@link MAX_JSON_DEPTH}.
 */
export function elementTexts(json: string): string[] {
  const texts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) i = endOfString(json, i)
    else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (++depth === 1) start = i + 1
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST || (code === COMMA && depth === 1)) {
      if (depth === 1) {
        const text = json.slice(start, i).trim()
        if (text !== '') texts.push(text)
        start = i + 1
      }
      if (code !== COMMA) depth--
    }
  }
  return texts
}

/** The quote after which a string is over, for the one with which it begins: the next one that is not escaped. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  for (;;) {
    let before = end - 1
    while (json.charCodeAt(before) === BACKSLASH) before--
    if ((end - before) % 2 === 1) return end
    end = json.indexOf('"', end + 1)
  }
}
