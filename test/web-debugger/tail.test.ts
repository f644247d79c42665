import { describe, expect, it } from 'vitest'
import { ApiError } from '../../web-debugger/api/client.ts'
import { followChannel, type TailEvent } from '../../web-debugger/api/tail.ts'
import { streamOf } from './debug-answers.ts'

const LIVE = 'event: live\ndata: {"channel":"c"}\n\n'
const MESSAGE = 'event: message\ndata: {"at":1,"channel":"c","payload":"\\"hi\\"","encoding":"text"}\n\n'

/** Answers each attempt with the next of these; aborts when there is none left. */
async function follow(...attempts: (() => ReadableStream<Uint8Array>)[]) {
  const abort = new AbortController()
  const events: TailEvent[] = []
  const pausesMs: number[] = []
  const left = [...attempts]
  await followChannel({
    api: { tail: async () => left.shift()!() },
    channel: 'c',
    onEvent: (event) => events.push(event),
    signal: abort.signal,
    pause: async (ms) => {
      pausesMs.push(ms)
      if (left.length === 0) abort.abort()
    },
  })
  return { events, pausesMs }
}

function refuse(error: Error) {
  return () => {
    throw error
  }
}

describe('following a channel', () => {
  it('gives what the stream says', async () => {
    const dropped = 'event: dropped\ndata: {"count":3}\n\n'
    const away = 'event: unavailable\ndata: {"reason":"Redis is away"}\n\n'
    const { events } = await follow(() =>
      streamOf(': hello\n\n', LIVE, MESSAGE, dropped, away, 'event: new\ndata: 1\n\n', LIVE),
    )
    expect(events.slice(0, 5)).toEqual([
      { type: 'live' },
      { type: 'message', message: { at: 1, channel: 'c', payload: '"hi"', encoding: 'text' } },
      { type: 'dropped', count: 3 },
      { type: 'unavailable', reason: 'Redis is away' },
      { type: 'live' },
    ])
  })

  it('opens the stream anew when it has ended or the bridge is away', async () => {
    const { events, pausesMs } = await follow(
      () => streamOf(LIVE),
      refuse(new ApiError('unreachable', 0, 'The bridge does not answer')),
      () => streamOf(LIVE, MESSAGE),
    )
    expect(events.map(({ type }) => type)).toEqual([
      'live',
      'unavailable',
      'unavailable',
      'live',
      'message',
      'unavailable',
    ])
    expect(pausesMs).toHaveLength(3)
  })

  it('waits longer with each failure, to a limit, and little again once it was live', async () => {
    const away = refuse(new ApiError('unreachable', 0, 'The bridge does not answer'))
    const { pausesMs } = await follow(away, away, away, away, away, away, () => streamOf(LIVE))
    expect(pausesMs).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000, 1000])
  })

  it('ends with a refusal that time does not heal', async () => {
    const error = new ApiError('too-many-tails', 429, 'Too many tails')
    const { events, pausesMs } = await follow(refuse(error))
    expect(events).toEqual([{ type: 'refused', error }])
    expect(pausesMs).toEqual([])
  })

  it('says nothing more when it is aborted in the middle', async () => {
    const abort = new AbortController()
    const events: TailEvent[] = []
    await followChannel({
      api: { tail: async () => streamOf(LIVE) },
      channel: 'c',
      signal: abort.signal,
      onEvent: (event) => {
        events.push(event)
        abort.abort()
      },
    })
    expect(events).toEqual([{ type: 'live' }])
  })
})
