/**
 * Owns how one line is read from standard input: a password or a token. On a terminal what is typed does not show. Called
 * by main.
 */
import process from 'node:process'

const BACKSPACE = /[\b\x7f]/
/** As of a signal that ends a program. */
const EXIT_INTERRUPTED = 130

/** As much of standard input as is needed; a pipe is no terminal. */
export interface LineSource extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

/** What somebody at a terminal reads and does meanwhile. */
export interface Terminal {
  show(text: string): void
  /** Ctrl+C, which is only a character while what is typed does not show. */
  interrupt(): never
}

const systemTerminal: Terminal = {
  show: (text) => void process.stderr.write(text),
  interrupt: () => process.exit(EXIT_INTERRUPTED),
}

/** Returns the first line, without its end; all there is if it has none. `prompt`: what a person at a terminal is asked. */
export async function readLine(
  prompt: string,
  source: LineSource = process.stdin,
  terminal: Terminal = systemTerminal,
): Promise<string> {
  if (source.isTTY !== true || !source.setRawMode) return firstLine(source)
  terminal.show(`${prompt}: `)
  source.setRawMode(true)
  const line = await typedLine(source).finally(() => {
    source.setRawMode?.(false)
    terminal.show('\n')
  })
  return line ?? terminal.interrupt()
}

async function firstLine(source: LineSource): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of source) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (text.includes('\n')) break
  }
  return (text + decoder.decode()).split('\n', 1)[0]!.replace(/\r$/, '')
}

/** Undefined: interrupted. */
async function typedLine(source: LineSource): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let line: string[] = []
  for await (const chunk of source) {
    const typed = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    for (const character of typed) {
      if (character === '\r' || character === '\n' || character === '\x04') return line.join('')
      if (character === '\x03') return undefined
      if (BACKSPACE.test(character)) line = line.slice(0, -1)
      else line.push(character)
    }
  }
  return line.join('')
}
