import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeFrame } from '../../frames/index.ts'
import {
  isAsking,
  localTime,
  markerWords,
  originOf,
  readAsk,
  withoutAsk,
  type AskForm,
  type Marker,
} from '../../web-debugger/stomp/place.ts'

function origin(headers: Readonly<Record<string, string>>, body = '') {
  const frame = { command: 'MESSAGE' as const, headers: Object.entries(headers), body }
  return originOf(decodeFrames(encodeFrame(frame, '1.2'), '1.2')[0]!)
}

const PLACE = { offset: '17-42', epoch: 'k3' }

describe('what a message says of the history', () => {
  it('is nothing where there is none', () => {
    expect(origin({ destination: '/topic/a' }, 'x')).toBeUndefined()
  })

  it('is its place, and whether it is retained', () => {
    expect(origin(PLACE, 'x')).toEqual({ ...PLACE, marker: undefined, isRetained: false })
    expect(origin({ ...PLACE, retained: 'true' }, 'x')).toEqual({ ...PLACE, marker: undefined, isRetained: true })
    expect(origin({ retained: 'true' }, 'x')).toEqual({ marker: undefined, isRetained: true })
  })

  it('is a marker, which has no body', () => {
    const marked = { ...PLACE, event: 'position', count: '3', recovered: 'false', missed: '5' }
    expect(origin(marked)?.marker).toEqual({ ...PLACE, count: 3, isRecovered: false, missed: 5 })
    expect(origin({ ...PLACE, event: 'position', count: '0' })?.marker).toMatchObject({ isRecovered: undefined })
    expect(origin(marked, 'of an application')?.marker).toBeUndefined()
    expect(origin({ event: 'position' })).toBeUndefined()
  })

  it('is no number that is none', () => {
    const marked = { ...PLACE, event: 'position', count: '3', recovered: 'false' }
    expect(origin({ ...marked, count: 'many' })?.marker).toBeUndefined()
    expect(origin({ ...marked, count: '9'.repeat(400) })?.marker).toBeUndefined()
    expect(markerWords(origin({ ...marked, missed: 'some' })!.marker!)).toBe('at 17-42, 3 follow, not recovered')
  })
})

describe('a marker', () => {
  const marker = (parts: Partial<Marker>): Marker => ({
    ...PLACE,
    count: 0,
    isRecovered: undefined,
    missed: undefined,
    ...parts,
  })

  it.each([
    [marker({}), 'at 17-42'],
    [marker({ count: 1 }), 'at 17-42, 1 follows'],
    [marker({ count: 1234, isRecovered: true }), 'at 17-42, 1,234 follow, recovered'],
    [marker({ isRecovered: false }), 'at 17-42, not recovered'],
    [marker({ count: 2, isRecovered: false, missed: 5 }), 'at 17-42, 2 follow, not recovered, 5 missed'],
  ])('%o reads "%s"', (value, words) => expect(markerWords(value)).toBe(words))

  it('says what is left of it', () => {
    expect(markerWords(marker({ count: 3, isRecovered: true }), 1)).toBe('at 17-42, 1 follows, recovered')
    expect(markerWords(marker({ count: 3, isRecovered: true }), 0)).toBe('at 17-42, recovered')
  })
})

describe('the form for asking', () => {
  const form = (parts: Partial<AskForm>): AskForm => ({
    kind: 'now',
    count: '10',
    time: '',
    offset: '',
    epoch: '',
    ...parts,
  })
  const since = [
    ['since', '17-42'],
    ['epoch', 'k3'],
  ]

  it.each([
    [form({}), []],
    [form({ kind: 'last', count: ' 0 ' }), [['last', '0']]],
    [form({ kind: 'since', offset: ' 17-42', epoch: 'k3 ' }), since],
    [form({ kind: 'resume' }), since],
    [form({ kind: 'last', count: '-1' }), 'How many?'],
    [form({ kind: 'last', count: '' }), 'How many?'],
    [form({ kind: 'time', time: '' }), 'Enter a date and a time'],
    [form({ kind: 'since', offset: 'x', epoch: 'k3' }), 'Enter an offset'],
    [form({ kind: 'since', offset: '17' }), 'Enter the epoch'],
  ])('%o gives %o', (value, wanted) => {
    const read = readAsk(value, '/topic/a', PLACE)
    if (typeof wanted === 'string') expect(read).toContain(wanted)
    else expect(read).toEqual(wanted)
  })

  it('takes a time of this computer', () => {
    const atMs = new Date(2026, 0, 2, 3, 4, 5).getTime()
    expect(localTime(atMs)).toBe('2026-01-02T03:04:05')
    expect(readAsk(form({ kind: 'time', time: localTime(atMs) }), '/a', undefined)).toEqual([['since-time', `${atMs}`]])
  })

  it('cannot go on where it has not been, nor ask for a pattern', () => {
    expect(readAsk(form({ kind: 'resume' }), '/topic/b', undefined)).toContain('/topic/b')
    for (const destination of ['/topic/*', '/topic/**', '/topic/a?']) {
      expect(readAsk(form({ kind: 'last' }), destination, PLACE)).toContain('A pattern')
      expect(readAsk(form({}), destination, PLACE)).toEqual([])
    }
  })
})

describe('headers that ask', () => {
  it('are known by their names, and can be left out', () => {
    expect(isAsking([['selector', 'last']])).toBe(false)
    expect(isAsking([['since-time', '1']])).toBe(true)
    expect(
      withoutAsk([
        ['since', '1'],
        ['x', 'y'],
        ['epoch', 'e'],
      ]),
    ).toEqual([['x', 'y']])
  })
})
