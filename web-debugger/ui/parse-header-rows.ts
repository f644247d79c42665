/** Reads headers out of pasted text. Knows no DOM, so that it can be tested alone. */

export interface HeaderRow {
  readonly name: string
  readonly value: string
}

/** The rows of a JSON object, or of two or more lines `name: value`; undefined if the text is neither. */
export function parseHeaderRows(text: string): HeaderRow[] | undefined {
  return fromJson(text) ?? fromLines(text)
}

function fromJson(text: string): HeaderRow[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Most pasted text is no JSON; then it is something else.
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).map(([name, each]) => ({
    name,
    value: typeof each === 'string' ? each : JSON.stringify(each),
  }))
}

function fromLines(text: string): HeaderRow[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  if (lines.length < 2) return undefined
  const rows = lines.map((line) => {
    const colon = line.indexOf(':')
    return colon > 0 ? { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() } : undefined
  })
  return rows.every((row) => row !== undefined) ? rows : undefined
}
