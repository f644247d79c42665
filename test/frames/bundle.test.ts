/** Messages that go out together: joined once for all stamps, each as if it had been stamped by itself. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bundle,
  decodeFrames,
  MessageTemplate,
  messageStamp,
  stampPart,
  Version,
  type Bundle,
} from '../../frames/index.ts'
import { headerNames, headerValues, versions } from './arbitraries.ts'
import { bytesOf, plain } from './outcome.ts'

const { V1_2 } = Version
const STAMP = messageStamp('sub-0', undefined, V1_2)
/** What stands before the template's part of a frame. */
const HEAD = 'MESSAGE\n'.length + STAMP.length

/** A template whose part of a text is as long as that; `name` is in its body. */
function text(name: string, length = 40): MessageTemplate {
  for (let fill = 0; fill <= length; fill++) {
    const template = new MessageTemplate([], name + '.'.repeat(fill), V1_2)
    if (template.length === length) return template
  }
  throw new Error(`No body makes ${length} characters`)
}

const bytes = (...values: number[]) => new MessageTemplate([], Uint8Array.from(values), V1_2)

/** The names in each part; bytes as they are. */
const namesOf = (parts: Bundle) =>
  parts.map((part) => {
    const data = stampPart(part, STAMP)
    const bodies = decodeFrames(data, V1_2).map(({ body }) => body)
    if (typeof data !== 'string') return bodies.map((body) => [...body])
    return bodies.map((body) => new TextDecoder().decode(body).replace(/\.+$/, '')).join(' ')
  })

const concatenated = (data: readonly (string | Uint8Array)[]) => Buffer.concat(data.map(bytesOf))

describe('bundle', () => {
  it.each<[string, MessageTemplate[], unknown[]]>([
    ['is empty without templates', [], []],
    ['joins texts', [text('a'), text('b'), text('c')], ['a b', 'c']],
    ['leaves a single text as it is', [text('a')], ['a']],
    ['leaves single bytes as they are', [bytes(1)], [[[1]]]],
    [
      'keeps bytes by themselves and in their place',
      [text('a'), text('b'), bytes(1), bytes(2), text('c'), text('d')],
      ['a b', [[1]], [[2]], 'c d'],
    ],
    ['joins no texts over bytes', [text('a'), bytes(1), text('b')], ['a', [[1]], 'b']],
    ['begins with bytes', [bytes(1), text('a'), text('b')], [[[1]], 'a b']],
    ['fills a run up to the limit', [text('a', 60), text('b'), text('c')], ['a b', 'c']],
    ['begins a new run beyond the limit', [text('a', 61), text('b'), text('c')], ['a', 'b c']],
    ['leaves a long text by itself', [text('a'), text('b', 101), text('c')], ['a', 'b', 'c']],
  ])('%s', (_name, templates, expected) => {
    expect(namesOf(bundle(templates, 100 + 2 * HEAD, STAMP.length))).toEqual(expected)
  })

  it('keeps all apart with the limit 0', () => {
    const templates = [text('a'), text('b'), bytes(1), text('c')]
    expect(namesOf(bundle(templates, 0, STAMP.length))).toEqual(['a', 'b', [[1]], 'c'])
  })

  it('is the same for each stamp, however often and with whatever it is stamped', () => {
    const parts = bundle([text('a'), text('b'), bytes(1)], 1000, STAMP.length)
    const stamps = [STAMP, '', messageStamp('other', 'ack', V1_2), STAMP]
    const stamped = stamps.map((stamp) => parts.map((part) => stampPart(part, stamp)))
    expect(stamped[3]).toEqual(stamped[0])
    for (const [i, stamp] of stamps.entries()) {
      expect(concatenated(stamped[i]!)).toEqual(
        concatenated([text('a'), text('b'), bytes(1)].map((template) => template.stamp(stamp))),
      )
    }
  })
})

describe('bundle, any messages', () => {
  const bodies = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  )
  const cases = versions.chain((version) => {
    const headers = fc.array(fc.tuple(headerNames(version), headerValues(version)), { maxLength: 3 })
    const ids = fc.option(headerValues(version), { nil: undefined })
    return fc.record({
      version: fc.constant(version),
      messages: fc.array(fc.record({ headers, body: bodies }), { maxLength: 12 }),
      joinUpTo: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 }), fc.constant(16_384)),
      stamps: fc.array(
        ids.map((id) => messageStamp(id, undefined, version)),
        { minLength: 1, maxLength: 3 },
      ),
    })
  })

  it('#122 is each message stamped by itself, one after the other, with text and bytes as they were', () => {
    fc.assert(
      fc.property(cases, ({ version, messages, joinUpTo, stamps }) => {
        const templates = messages.map(({ headers, body }) => new MessageTemplate(headers, body, version))
        const parts = bundle(templates, joinUpTo, 0)
        for (const stamp of stamps) {
          const alone = templates.map((template) => template.stamp(stamp))
          const together = parts.map((part) => stampPart(part, stamp))
          expect(concatenated(together)).toEqual(concatenated(alone))
          expect(together.filter((data) => typeof data !== 'string')).toEqual(
            alone.filter((data) => typeof data !== 'string'),
          )
          expect(together.flatMap((data) => decodeFrames(data, version).map(plain))).toEqual(
            alone.flatMap((data) => decodeFrames(data, version).map(plain)),
          )
        }
      }),
      { numRuns: 500 },
    )
  })

  it('has no run beyond the limit but a single text, and no two runs that could be one', () => {
    fc.assert(
      fc.property(cases, ({ version, messages, joinUpTo, stamps: [stamp] }) => {
        const templates = messages.map(({ headers, body }) => new MessageTemplate(headers, body, version))
        let at = 0
        let before: number | undefined
        for (const part of bundle(templates, joinUpTo, stamp!.length)) {
          const stamped = stampPart(part, stamp!)
          if (typeof stamped !== 'string') {
            before = undefined
            at++
            continue
          }
          const first = templates[at]!.stamp(stamp!).length
          if (before !== undefined) expect(before + first).toBeGreaterThan(joinUpTo)
          const count = decodeFrames(stamped, version).length
          before = stamped.length
          if (count > 1) expect(before).toBeLessThanOrEqual(joinUpTo)
          at += count
        }
        expect(at).toBe(templates.length)
      }),
      { numRuns: 500 },
    )
  })
})
