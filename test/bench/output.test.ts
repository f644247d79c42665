import { describe, expect, it } from 'vitest'
import { helpText, parseArguments } from '../../bench/arguments.ts'
import { body, BODY_BYTES, jsonBody, MARKER, STAMP_LENGTH, stampedBody } from '../../bench/body.ts'
import { chart } from '../../bench/chart.ts'
import { fragment } from '../../bench/fragment.ts'
import type { Report } from '../../bench/report.ts'
import { Unit, type Row } from '../../bench/row.ts'

function row(contender: string, value: number): Row {
  const what = '1,000 subscribers, 8 in flight'
  return { scenario: 'fan-out', case: what, contender, unit: Unit.perDelivery, value, rounds: [value] }
}

describe('chart', () => {
  const svg = chart([row('slow & old', 10), row('stomp-bridge', 1)], 'stomp-bridge')

  it('has a bar for each row, the shortest first, as long as its value', () => {
    const bars = [...svg.matchAll(/<rect class="(\w+)".* width="([\d.]+)"/g)].map((match) => [
      match[1],
      Number(match[2]),
    ])
    expect(bars).toEqual([
      ['ours', 46],
      ['theirs', 460],
    ])
  })

  it('escapes names', () => {
    expect(svg).toContain('slow &amp; old')
  })

  it('has colours for dark pages', () => {
    expect(svg).toContain('prefers-color-scheme: dark')
  })
})

describe('the results for docs/performance.md', () => {
  const report: Report = {
    date: '2026-01-02T03:04:05.678Z',
    cores: 4,
    cpu: 'CPU',
    runtimes: { Bun: '1' },
    isQuick: false,
    leftOut: [{ name: 'peer', why: 'not installed' }],
    rows: [row('stomp-bridge', 1)],
    verdicts: [],
  }

  it('say when and on what they were measured, and have a table for each case', () => {
    const text = fragment(report)
    expect(text).toContain('on 2026-01-02: 4 cores (CPU), Bun 1.')
    expect(text).toMatch(/^Redis to 1,000 subscribers, 8 in flight:\n\n\| .*\n\| -.*\n\| stomp-bridge +\| 1\.00/m)
  })

  it('name who was left out', () => {
    expect(fragment(report)).toContain('Left out: peer (not installed).')
  })
})

describe('arguments', () => {
  it('have defaults, and shorter rounds for the quick run', () => {
    expect(parseArguments([], ['a'])).toMatchObject({ isQuick: false, only: undefined, subscribers: 1_000, seconds: 1 })
    expect(parseArguments(['--quick'], ['a'])).toMatchObject({ isQuick: true, seconds: 0.5, rounds: 3 })
  })

  it('take a value behind a space or an equals sign', () => {
    expect(parseArguments(['--only', 'a,b', '--rounds=7'], ['a', 'b'])).toMatchObject({ only: ['a', 'b'], rounds: 7 })
  })

  it.each([
    [['--fast'], 'Unknown option "--fast"'],
    [['--only'], 'needs a value'],
    [['--only', 'z'], 'There is no scenario "z": they are a'],
    [['--seconds', 'x'], 'needs a number above 0, not "x"'],
  ])('%j are refused', (args, message) => {
    expect(() => parseArguments(args, ['a'])).toThrow(message)
  })

  it('are explained by --help', () => {
    expect(helpText({ 'fan-out': { what: 'the fan-out' } })).toMatch(/--install-peers .*\n[^]*fan-out +the fan-out/)
  })
})

describe('bodies', () => {
  it('have their size, and the marker once', () => {
    for (const text of [body(), stampedBody()]) {
      expect(text).toHaveLength(BODY_BYTES)
      expect(text.lastIndexOf(MARKER)).toBe(0)
    }
  })

  it('of JSON have about a kilobyte, the marker once, and differ', () => {
    const texts = [0, 1, 99_999].map(jsonBody)
    for (const text of texts) {
      expect(text.split(MARKER)).toHaveLength(2)
      expect(text.length).toBeGreaterThan(900)
      expect(text.length).toBeLessThan(1_100)
      expect(JSON.parse(text)).toHaveLength(9)
    }
    expect(new Set(texts).size).toBe(3)
  })

  it('hold the time, to the last digit', () => {
    expect(Number(stampedBody(64, 1_234_567_890_123.4567).slice(1, 1 + STAMP_LENGTH))).toBeCloseTo(
      1_234_567_890_123.4567,
      3,
    )
  })
})
