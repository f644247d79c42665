/** Messages that go out together: joined where that is allowed, each as if it had been stamped by itself. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrames, messageStamp, MessageTemplate, Version, type Frame } from '../../frames/index.ts'
import type { Encoding, MessageContent } from '../../src/delivery/message.ts'
import { STOMP_ENCODINGS } from '../../src/stomp/encoding.ts'
import { headerNames, headerValues, versions } from '../frames/arbitraries.ts'
import { bytesOf } from '../frames/outcome.ts'
import { bodyOf, type Data } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import type { FakeReceiver } from './fake-receiver.ts'
import { DeliveryStage } from './stage.ts'

const { V1_2 } = Version

/** Texts are joined up to this length, in characters. */
const MAX_JOINED = 16_384

const STAMP = messageStamp('sub-0', undefined, V1_2)

/** A body whose frame is as long as that; it begins with `name`. */
function text(name: string, length = MAX_JOINED / 2 - 10): string {
  const frameLength = (body: string) => encode('node-1', body).stamp(STAMP).length
  let body = name
  // twice, because content-length grows with the body
  for (let i = 0; i < 2; i++) body = name.padEnd(body.length + length - frameLength(body), '.')
  expect(frameLength(body)).toBe(length)
  return body
}

function encode(id: string, body: Data) {
  return STOMP_ENCODINGS[V1_2].encode({ id, destination: '/topic/a', headers: [], body })
}

const bytes = (...values: number[]) => Uint8Array.from(values)

/** The names in each message; bytes as they are. */
const namesOf = ({ socket }: FakeReceiver) =>
  socket.sent.map((data) => {
    const frames = decodeFrames(data, V1_2)
    if (typeof data !== 'string') return frames.map(({ body }) => [...body])
    return frames.map((frame) => bodyOf(frame).replace(/\.+$/, '')).join(' ')
  })

/** A sole member and two of a group, on each transport. */
function everyKind(stage: DeliveryStage): FakeReceiver[] {
  return (['websocket', 'tcp'] as const).flatMap((transport) => {
    const several = [stage.open({ id: 'sub-0', transport }), stage.open({ id: 'sub-0', transport })]
    return [...several, stage.open({ id: 'sub-1', transport })]
  })
}

/** Quickly compared. */
const comparable = ({ command, headers, body }: Frame) => [command, [...headers], Buffer.from(body).toString('latin1')]

const concatenated = (data: readonly Data[]) => Buffer.concat(data.map(bytesOf))

describe('messages of one turn', () => {
  it.each<[string, Data[], unknown[]]>([
    ['are nothing where there are none', [], []],
    ['are joined where they are texts', [text('a'), text('b'), text('c')], ['a b', 'c']],
    ['are left as they are where there is one', [text('a')], ['a']],
    ['are left as they are where one is bytes', [bytes(1)], [[[1]]]],
    [
      'are kept by themselves and in their place where they are bytes',
      ['a', 'b', bytes(1), bytes(2), 'c', 'd'],
      ['a b', [[1]], [[2]], 'c d'],
    ],
    ['are not joined over bytes', ['a', bytes(1), 'b'], ['a', [[1]], 'b']],
    ['may begin with bytes', [bytes(1), 'a', 'b'], [[[1]], 'a b']],
    ['fill a run up to the limit', [text('a', MAX_JOINED - 200), text('b', 200), text('c', 200)], ['a b', 'c']],
    ['begin a new run beyond the limit', [text('a', MAX_JOINED - 200), text('b', 202), text('c', 200)], ['a', 'b c']],
    ['are left by themselves where they are long', [text('a'), text('b', MAX_JOINED + 2), 'c'], ['a', 'b', 'c']],
  ])('%s', async (_name, bodies, expected) => {
    const stage = new DeliveryStage()
    const all = everyKind(stage)
    for (const body of bodies) stage.deliver(body)
    await turn()
    for (const each of all) expect(namesOf(each)).toEqual(expected)
  })

  it('are all apart, yet in one write, where frames are not to be joined', async () => {
    const stage = new DeliveryStage({ joinFrames: false })
    const all = everyKind(stage)
    for (const body of ['a', 'b', bytes(1), 'c']) stage.deliver(body)
    for (const { socket } of all) expect(socket.sent).toEqual([])
    await turn()
    for (const each of all) {
      expect(namesOf(each)).toEqual(['a', 'b', [[1]], 'c'])
      expect(each.socket.writes).toHaveLength(1)
    }
    expect(stage.network.websocket.written).toHaveLength(1)
  })

  it('are all apart where their encoding does not say where one ends', async () => {
    const plainBody: Encoding = {
      key: 'plain body',
      isJoinable: false,
      encode: ({ body }: MessageContent) => ({ length: body.length, stamp: () => body }),
    }
    const stage = new DeliveryStage()
    const sockets = [1, 2].map(() => {
      const receiver = stage.open({ destination: '/topic/unused' })
      const options = { ...receiver.feedOptions, encoding: plainBody, stamp: '' }
      receiver.feed = stage.delivery.open(options, stage.topic('/topic/a'), undefined)
      return receiver.socket
    })
    for (const body of ['a', 'b']) stage.deliver(body)
    await turn()
    for (const { writes } of sockets) expect(writes).toEqual([['a', 'b']])
  })

  it('are the same for each stamp, whatever it is', async () => {
    const stage = new DeliveryStage()
    const ids = ['sub-0', '', 'another with: an escape', 'sub-0']
    const all = ids.map((id) => stage.open({ id }))
    for (const body of ['a', 'b', bytes(1)]) stage.deliver(body)
    await turn()
    expect(all[3]!.socket.sent).toEqual(all[0]!.socket.sent)
    for (const [i, { socket }] of all.entries()) {
      const stamp = messageStamp(ids[i], undefined, V1_2)
      const alone = ['a', 'b', bytes(1)].map((body, at) => encode(`node-${at + 1}`, body).stamp(stamp))
      expect(concatenated(socket.sent)).toEqual(concatenated(alone))
    }
  })
})

describe('messages of one turn, of any kind', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  const bodies = fc.oneof(
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: fc.tuple(text, fc.nat(400)).map(([part, times]) => part.repeat(times)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  )
  const cases = versions.chain((version) => {
    const headers = fc.array(fc.tuple(headerNames(version), headerValues(version)), { maxLength: 3 })
    const ids = fc.option(headerValues(version), { nil: undefined })
    return fc.record({
      version: fc.constant(version),
      messages: fc.array(fc.record({ headers, body: bodies }), { maxLength: 12 }),
      joinFrames: fc.boolean(),
      ids: fc.uniqueArray(ids, { minLength: 1, maxLength: 3 }),
    })
  })
  type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

  /** What each id gets in the end, in one write or several, and what that is stamped one by one. */
  async function deliverAll({ version, messages, joinFrames, ids }: Case) {
    const stage = new DeliveryStage({ joinFrames })
    const all = ids.map((id) => [stage.open({ id, version }), stage.open({ id, version })] as const)
    const delivered = messages.map(({ headers, body }) => stage.deliver(body, '/topic/a', headers))
    await turn()
    return all.map(([one, other], i) => {
      expect(other.socket.sent).toEqual(one.socket.sent)
      const stamp = messageStamp(ids[i], undefined, version)
      const alone = delivered.map(({ id, destination, headers, body }) =>
        new MessageTemplate([['message-id', id], ['destination', destination], ...headers], body, version).stamp(stamp),
      )
      return { alone, together: one.socket.sent, writes: one.socket.writes }
    })
  }

  it(
    '#122 are each message stamped by itself, one after the other, with text and bytes as they were',
    { timeout: 20_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(cases, async (each) => {
          for (const { alone, together } of await deliverAll(each)) {
            expect(concatenated(together).equals(concatenated(alone))).toBe(true)
            const isBytes = (data: Data) => typeof data !== 'string'
            expect(together.filter(isBytes)).toEqual(alone.filter(isBytes))
            const framesIn = (list: readonly Data[]) =>
              list.flatMap((data) => decodeFrames(data, each.version).map(comparable))
            expect(framesIn(together)).toEqual(framesIn(alone))
            if (!each.joinFrames) expect(together).toEqual(alone)
          }
        }),
        { numRuns: 300 },
      )
    },
  )

  it(
    'have no run beyond the limit but a single text, and no two runs that could be one',
    { timeout: 20_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(cases, async (each) => {
          for (const { alone, writes } of await deliverAll({ ...each, joinFrames: true })) {
            let at = 0
            for (const messages of writes) {
              let before: number | undefined
              for (const data of messages) {
                if (typeof data !== 'string') {
                  before = undefined
                  at++
                  continue
                }
                if (before !== undefined) expect(before + alone[at]!.length).toBeGreaterThan(MAX_JOINED)
                const count = decodeFrames(data, each.version).length
                before = data.length
                if (count > 1) expect(before).toBeLessThanOrEqual(MAX_JOINED)
                at += count
              }
            }
            expect(at).toBe(alone.length)
          }
        }),
        { numRuns: 300 },
      )
    },
  )
})
