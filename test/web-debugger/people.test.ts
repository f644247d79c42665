import { signal } from '@preact/signals'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, type Api } from '../../web-debugger/api/client.ts'
import { isLastingRefusal, refusalWords } from '../../web-debugger/api/refusal-words.ts'
import { curlNotification } from '../../web-debugger/backend/commands.ts'
import { createPeople } from '../../web-debugger/bridge/people.ts'
import { fakeApi } from './debug-answers.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const flush = () => vi.advanceTimersByTimeAsync(0)

/** A bridge with these users, in the order of UTF-16 code units. */
function bridgeOf(names: readonly string[], overrides: Partial<Api> = {}) {
  const asked: (string | undefined)[] = []
  const sorted = [...names].sort()
  const api = fakeApi({
    users: async (limit, after) => {
      asked.push(after)
      const behind = sorted.filter((name) => after === undefined || name > after)
      const users = behind.slice(0, limit).map((user) => ({ user, sessions: 1 }))
      return behind.length > limit ? { users, next: users.at(-1)!.user } : { users }
    },
    ...overrides,
  })
  const people = createPeople({ api, apiKey: signal('key') })
  const names_ = () => people.page.value?.users.map(({ user }) => user)
  return { people, asked, names: names_ }
}

const refused = (status: number, code = 'x', message = 'No') => new ApiError(code, status, message)

describe('the users', () => {
  it('come a page at a time, forth and back', async () => {
    const all = Array.from({ length: 45 }, (_, i) => `user-${String(i).padStart(2, '0')}`)
    const { people, names } = bridgeOf(all)
    await people.refresh()
    expect([people.pageNumber.value, names()]).toEqual([1, all.slice(0, 20)])
    await people.nextPage()
    await people.nextPage()
    expect([people.pageNumber.value, names(), people.page.value!.next]).toEqual([3, all.slice(40), undefined])
    await people.nextPage()
    await people.refresh()
    expect([people.pageNumber.value, names()]).toEqual([3, all.slice(40)])
    await people.previousPage()
    expect(names()).toEqual(all.slice(20, 40))
  })

  it.each([
    ['al', ['al', 'ala', 'alz']],
    ['b', ['b']],
    ['zz', []],
    ['é', ['é1']],
    ['😀', ['😀x']],
    ['', ['ak\uffff', 'al', 'ala', 'alz', 'am', 'b', 'é1', '😀x'].sort()],
  ])('are found by the beginning of their name, in every page: %s', async (search, found) => {
    const { people, names } = bridgeOf(['ak\uffff', 'al', 'ala', 'alz', 'am', 'b', 'é1', '😀x'])
    people.search.value = search
    await people.refresh()
    expect(names()).toEqual(found)
    expect(people.page.value!.next).toBeUndefined()
  })

  it('are asked for again and again while there is a key, with the one that was chosen', async () => {
    const { people, asked } = bridgeOf(['alice'], {
      user: async (user) => ({ user, online: true, sessions: [] }),
    })
    const stop = people.start()
    await flush()
    await people.choose('alice')
    expect(people.chosen.value?.user).toBe('alice')
    await vi.advanceTimersByTimeAsync(6_500)
    expect(asked).toHaveLength(4)
    people.search.value = 'b'
    await flush()
    expect(people.page.value!.users).toEqual([])
    people.apiKey.value = ''
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveLength(5)
    expect(people.page.value).toBeUndefined()
    stop()
    people.apiKey.value = 'again'
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveLength(5)
  })

  it('are not asked for with a key that is refused, until there is another', async () => {
    let error: ApiError | undefined = refused(401)
    let count = 0
    const { people } = bridgeOf([], {
      users: async () => {
        count++
        if (error) throw error
        return { users: [] }
      },
    })
    const stop = people.start()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(count).toBe(1)
    expect([people.isKeyWrong.value, people.problem.value]).toEqual([true, expect.stringContaining('does not know')])
    // What passes by itself is tried again.
    error = refused(503, 'bus-unavailable', 'The bus is unavailable')
    people.apiKey.value = 'another'
    await vi.advanceTimersByTimeAsync(3_500)
    expect(count).toBe(3)
    expect(people.problem.value).toContain('The bus is unavailable. Try again in a moment.')
    error = undefined
    await vi.advanceTimersByTimeAsync(3_000)
    expect(people.problem.value).toBeUndefined()
    stop()
  })

  it('are not replaced by a slow answer to what was asked before', async () => {
    const answers: ((users: string[]) => void)[] = []
    const { people, names } = bridgeOf([], {
      users: () =>
        new Promise((resolve) =>
          answers.push((users) => resolve({ users: users.map((user) => ({ user, sessions: 1 })) })),
        ),
    })
    const both = [people.refresh(), people.refresh()]
    answers[1]!(['new'])
    answers[0]!(['old'])
    await Promise.all(both)
    expect(names()).toEqual(['new'])
  })
})

describe('what ends sessions', () => {
  it('says what it did', async () => {
    const { people } = bridgeOf([], { closeUser: async () => 2 })
    await people.closeUser('alice')
    expect(people.done.value).toEqual({ isOk: true, text: '2 sessions of alice closed. alice may connect again.' })
    await people.revoke({ user: 'alice', seconds: 60 }, 'alice is revoked')
    expect(people.done.value).toEqual({ isOk: true, text: 'alice is revoked' })
  })

  it('takes a session that is gone already as closed, and says why another was not', async () => {
    const errors = [
      refused(404, 'not-found'),
      refused(403, 'not-authorized', 'This API key does not have the scope "admin"'),
    ]
    const { people } = bridgeOf([], { endSession: () => Promise.reject(errors.shift()!) })
    await people.closeSession('s-1')
    expect(people.done.value?.isOk).toBe(true)
    await people.closeSession('s-2')
    expect(people.done.value).toMatchObject({ isOk: false, text: expect.stringContaining('scope "admin". Enter one') })
  })
})

describe('who has subscribed', () => {
  it('is asked for one destination, or told why not', async () => {
    const { people } = bridgeOf([], {
      presence: async (destination) => {
        if (destination.includes('*')) throw refused(400, 'bad-field', 'Destination must be a single one')
        return { destination, sessions: 3, users: [{ user: 'alice', sessions: 2 }] }
      },
    })
    await people.askPresence()
    expect(people.presenceProblem.value).toBe('Give a destination, such as /topic/rooms/1')
    people.destination.value = ' /topic/a '
    await people.askPresence()
    expect(people.presence.value).toMatchObject({ destination: '/topic/a', sessions: 3 })
    people.destination.value = '/topic/*'
    await people.askPresence()
    expect([people.presence.value, people.presenceProblem.value]).toEqual([
      undefined,
      'Destination must be a single one',
    ])
  })
})

describe('a refusal in words', () => {
  it.each([
    [refused(401), false, 'This needs an API key'],
    [refused(401), true, 'does not know this API key'],
    [
      refused(403, 'not-authorized', 'It lacks "read"'),
      true,
      'The key is right, but not enough: It lacks "read". Enter',
    ],
    [refused(403, 'forbidden-origin', 'Not from there'), true, 'Not from there'],
    [refused(404), true, 'This bridge does not offer that'],
    [refused(429), true, 'Wait a minute'],
    [refused(503, 'x', 'The bus is away.'), true, 'cannot do it now: The bus is away. Try again'],
    [refused(0, 'unreachable', 'Nobody answers'), true, 'Nobody answers'],
  ])('%o (with a key: %s) says %s', (error, hasKey, text) => expect(refusalWords(error, hasKey)).toContain(text))

  it('stays or passes', () => {
    expect([401, 403, 404, 429].every((status) => isLastingRefusal(refused(status)))).toBe(true)
    expect([0, 502, 503].some((status) => isLastingRefusal(refused(status)))).toBe(false)
  })
})

describe('the command with curl', () => {
  it('names a variable for the key, never the key', () => {
    expect(curlNotification('http://h', '/topic/a', 'x', true)).toContain(
      ' -H "Authorization: Bearer $STOMP_BRIDGE_API_KEY" ',
    )
    expect(curlNotification('http://h', '/topic/a', 'x')).not.toContain('Authorization')
  })
})
