import { describe, expect, it } from 'vitest'
import { readLine, type LineSource } from '../../src/line-input.ts'

/** Brings these chunks, and says what happened to it. */
function sourceOf(chunks: readonly (string | Uint8Array)[], isTTY = false) {
  const events: string[] = []
  const source: LineSource = {
    isTTY,
    setRawMode: (isRaw) => events.push(isRaw ? 'raw' : 'cooked'),
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunks) yield await Promise.resolve(chunk)
      events.push('end')
    },
  }
  const terminal = {
    show: (text: string) => void events.push(text),
    interrupt: () => {
      throw new Error('Interrupted')
    },
  }
  return { source, terminal, events, read: () => readLine('Password', source, terminal) }
}

const bytes = (text: string) => new TextEncoder().encode(text)

describe('readLine from a pipe', () => {
  it.each([
    [['one\ntwo\n'], 'one'],
    [['o', 'ne', '\r\ntwo'], 'one'],
    [['no end'], 'no end'],
    [[' spaces stay \n'], ' spaces stay '],
    [['\n'], ''],
    [[], ''],
  ])('%j gives "%s"', async (chunks, line) => {
    const { read, events } = sourceOf(chunks)
    expect(await read()).toBe(line)
    expect(events.filter((event) => event !== 'end')).toEqual([])
  })

  it('puts characters together that arrive in pieces', async () => {
    const whole = bytes('pässwörd\n')
    expect(await sourceOf([...whole].map((byte) => Uint8Array.of(byte))).read()).toBe('pässwörd')
  })

  it('leaves what follows the line', async () => {
    const { read, events } = sourceOf(['one\n', 'two\n'])
    await read()
    expect(events).toEqual([])
  })
})

describe('readLine from a terminal', () => {
  it('asks, shows nothing of what is typed, and puts the terminal back', async () => {
    const { read, events } = sourceOf(['h', 'unteR', '\x7f', 'r2', '\r'], true)
    expect(await read()).toBe('hunter2')
    expect(events).toEqual(['Password: ', 'raw', 'cooked', '\n'])
  })

  it('takes back whole characters', async () => {
    expect(await sourceOf([bytes('a😀'), '\x7f\x7f\x7f', 'b\n'], true).read()).toBe('b')
  })

  it('ends at Ctrl+D, and puts the terminal back at Ctrl+C', async () => {
    expect(await sourceOf(['ab\x04c'], true).read()).toBe('ab')
    const { read, events } = sourceOf(['ab\x03'], true)
    await expect(read()).rejects.toThrow('Interrupted')
    expect(events).toContain('cooked')
  })
})
