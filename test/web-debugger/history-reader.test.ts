import { signal } from '@preact/signals'
import { describe, expect, it } from 'vitest'
import { ApiError, type Api } from '../../web-debugger/api/client.ts'
import { createHistoryReader } from '../../web-debugger/bridge/history-reader.ts'
import { fakeApi } from './debug-answers.ts'

const message = (number: number) => ({ offset: `9-${number}`, timestamp: 9, body: `m${number}`, headers: {} })
const refused = (status: number, code: string, text = 'No') => Promise.reject(new ApiError(code, status, text))

/** A bridge that holds the messages of these numbers, at `/topic/a`. */
function bridgeOf(from: number, to: number, overrides: Partial<Api> = {}) {
  const held = { from, to, epoch: 'e' }
  const api = fakeApi({
    history: async (_destination, limit, after) => {
      const begin = after ? Number(after.offset.split('-')[1]) + 1 : held.from
      const isOther = after !== undefined && after.epoch !== held.epoch
      const first = isOther ? held.from : Math.max(begin, held.from)
      const count = Math.min(limit, Math.max(0, held.to - first + 1))
      return {
        epoch: held.epoch,
        offset: `9-${held.to}`,
        ...(after && { recovered: !isOther && first === begin }),
        messages: Array.from({ length: count }, (_, i) => message(first + i)),
      }
    },
    ...overrides,
  })
  const reader = createHistoryReader({ api, apiKey: signal('') })
  reader.destination.value = ' /topic/a '
  const numbers = () => reader.view.value?.messages.map(({ offset }) => Number(offset!.split('-')[1]))
  return { reader, held, numbers }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('the history of a destination', () => {
  it('comes page by page, oldest first, and then what is new', async () => {
    const { reader, held, numbers } = bridgeOf(3, 110)
    await reader.read()
    expect([numbers(), reader.view.value?.hasMore]).toEqual([range(3, 52), true])
    await reader.readMore()
    await reader.readMore()
    expect([numbers(), reader.view.value?.hasMore, reader.note.value]).toEqual([range(3, 110), false, undefined])
    held.to = 111
    await reader.readMore()
    expect(numbers()).toEqual(range(3, 111))
  })

  it('says what went while it was read', async () => {
    const { reader, held, numbers } = bridgeOf(1, 100)
    await reader.read()
    held.from = 60
    await reader.readMore()
    expect([numbers(), reader.note.value]).toEqual([
      [...range(1, 50), ...range(60, 100)],
      expect.stringMatching(/^Some/),
    ])
    Object.assign(held, { from: 1, to: 2, epoch: 'other' })
    await reader.readMore()
    expect([numbers(), reader.note.value]).toEqual([[1, 2], expect.stringContaining('began anew')])
  })

  it('is looked for again where it was empty', async () => {
    const { reader, held, numbers } = bridgeOf(1, 0)
    await reader.read()
    expect([numbers(), reader.view.value?.hasMore]).toEqual([[], false])
    held.to = 2
    await reader.readMore()
    expect(numbers()).toEqual([1, 2])
  })

  it('is not there at all, though something may be retained', async () => {
    const kept = { body: 'on', headers: {} }
    const { reader } = bridgeOf(1, 1, { history: () => refused(400, 'no-history'), retained: async () => kept })
    await reader.read()
    expect(reader.view.value).toMatchObject({ isKept: false, retained: kept, destination: '/topic/a' })
    // A bridge that keeps nothing does not have the operation.
    const { reader: other } = bridgeOf(1, 1, { history: () => refused(404, 'not-found') })
    await other.read()
    expect([other.view.value?.isKept, other.problem.value]).toEqual([false, undefined])
  })

  it('takes one destination, and maybe a key', async () => {
    const { reader } = bridgeOf(1, 1)
    await reader.read()
    reader.destination.value = '/topic/**'
    await reader.read()
    expect([reader.problem.value, reader.view.value]).toEqual([expect.stringContaining('A pattern'), undefined])
    reader.destination.value = ' '
    await reader.read()
    expect(reader.problem.value).toContain('Give a destination')
    const { reader: guarded } = bridgeOf(1, 1, { history: () => refused(401, 'not-authenticated') })
    await guarded.read()
    expect([guarded.problem.value, guarded.isBusy.value]).toEqual([
      'This needs an API key of the bridge: enter one.',
      false,
    ])
  })

  it('is emptied, and read again', async () => {
    const { reader, held, numbers } = bridgeOf(1, 3, {
      clearHistory: async (destination) => {
        expect(destination).toBe('/topic/a')
        Object.assign(held, { from: 4, epoch: 'other' })
      },
    })
    await reader.read()
    reader.destination.value = '/topic/other'
    await reader.empty()
    expect([numbers(), reader.note.value]).toEqual([[], expect.stringContaining('/topic/a is empty now')])
  })

  it('stays as it is where the key may not empty it', async () => {
    const { reader, numbers } = bridgeOf(1, 3, {
      clearHistory: () => refused(403, 'not-authorized', 'It lacks "admin"'),
    })
    await reader.read()
    await reader.empty()
    expect([numbers(), reader.problem.value]).toEqual([[1, 2, 3], expect.stringContaining('It lacks "admin"')])
  })

  it('is that which was asked for last', async () => {
    const answers: (() => void)[] = []
    const { reader } = bridgeOf(1, 1, {
      history: (destination) =>
        new Promise((resolve) =>
          answers.push(() => resolve({ epoch: destination, offset: '9-1', messages: [message(1)] })),
        ),
    })
    const first = reader.read()
    reader.destination.value = '/topic/b'
    const second = reader.read()
    answers[1]!()
    await second
    answers[0]!()
    await first
    expect([reader.view.value?.destination, reader.view.value?.epoch]).toEqual(['/topic/b', '/topic/b'])
  })
})
