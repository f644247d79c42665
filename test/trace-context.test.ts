import { describe, expect, it } from 'vitest'
import { withoutReserved } from '../src/headers.ts'
import { isBrokenTrace, readTrace, traceHeaders, traceIdOf } from '../src/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const PARENT = `00-${TRACE}-${SPAN}-01`

const BROKEN_PARENTS = [
  '',
  'x',
  PARENT.slice(0, -1),
  `${PARENT}0`,
  `${PARENT}-x`,
  PARENT.toUpperCase(),
  ` ${PARENT}`,
  `${PARENT}\n`,
  `${PARENT}, ${PARENT}`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-0g`,
  `01-${TRACE}-${SPAN}-01x`,
  `01-${TRACE}-${SPAN}-01-${'x'.repeat(73)}`,
  `01-${TRACE}-${SPAN}-01-a b`,
  '0'.repeat(10_000),
]
const BROKEN_STATES = [
  '',
  'x',
  '=x',
  'a=',
  'A=1',
  'a=1;b=2=',
  'a=\n',
  'a=é',
  'a=1,'.repeat(33),
  `a=${'x'.repeat(600)}`,
  'x'.repeat(10_240),
]

describe('a trace context', () => {
  it.each([PARENT, `00-${TRACE}-${SPAN}-00`, `01-${TRACE}-${SPAN}-01`, `cc-${TRACE}-${SPAN}-01-what-comes-later`])(
    'is read from %s, which stays as it is',
    (traceparent) => {
      const trace = readTrace(traceparent)!
      expect(trace).toEqual({ traceparent, tracestate: undefined })
      expect(traceIdOf(trace)).toBe(TRACE)
      expect(traceHeaders(trace)).toEqual([['traceparent', traceparent]])
    },
  )

  it.each([...BROKEN_PARENTS, undefined, null, 7, {}, [PARENT]])(
    'is not read from what is not well formed: %#',
    (traceparent) => {
      expect(readTrace(traceparent, 'a=1')).toBeUndefined()
    },
  )

  it.each([
    'a=1',
    'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    'fw529a3039@dt=FfAX-_b7 9x',
    'a=1 , b=2,,',
    `a=${'x'.repeat(256)}`,
  ])('has a tracestate: %#', (tracestate) => {
    expect(traceHeaders(readTrace(PARENT, tracestate)!)).toEqual([
      ['traceparent', PARENT],
      ['tracestate', tracestate],
    ])
  })

  it.each([...BROKEN_STATES, null, 7])('leaves out a tracestate that is not well formed: %#', (tracestate) => {
    expect(readTrace(PARENT, tracestate)).toEqual({ traceparent: PARENT, tracestate: undefined })
  })

  it('that is not well formed is told from other headers', () => {
    for (const value of BROKEN_PARENTS) expect(isBrokenTrace('traceparent', value), value).toBe(true)
    for (const value of BROKEN_STATES) expect(isBrokenTrace('tracestate', value), value).toBe(true)
    expect([isBrokenTrace('traceparent', PARENT), isBrokenTrace('tracestate', 'a=1')]).toEqual([false, false])
    expect(isBrokenTrace('trace', 'x')).toBe(false)
  })
})

describe('the headers of a message', () => {
  it('keep a trace context as it is', () => {
    const headers = [
      ['a', 'b'],
      ['traceparent', PARENT],
      ['tracestate', 'a=1'],
    ] as const
    expect(withoutReserved(headers)).toBe(headers)
  })

  it.each(BROKEN_PARENTS)('lose a broken traceparent, and the tracestate that came with it: %#', (value) => {
    const headers = [['traceparent', value] as const, ['tracestate', 'a=1'] as const, ['a', 'b'] as const]
    expect(withoutReserved(headers)).toEqual([['a', 'b']])
  })

  it('lose a broken tracestate alone', () => {
    const headers = [['traceparent', PARENT] as const, ['tracestate', 'x'.repeat(10_240)] as const]
    expect(withoutReserved(headers)).toEqual([['traceparent', PARENT]])
  })
})
