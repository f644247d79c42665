import { signal } from '@preact/signals'
import { describe, expect, it } from 'vitest'
import { createBridgeWatch } from '../../web-debugger/api/bridge-watch.ts'
import { ApiError, type Api } from '../../web-debugger/api/client.ts'
import { createBackendSide } from '../../web-debugger/backend/backend-side.ts'
import { createChannelWatch } from '../../web-debugger/backend/channel-watch.ts'
import { createSessionWatch } from '../../web-debugger/bridge/session-list.ts'
import type { SessionList } from '../../web-debugger/api/types.ts'
import { waitFor } from '../support/wait.ts'
import { BRIDGE, fakeApi, streamOf } from './debug-answers.ts'

async function setUp(overrides: Partial<Api> = {}, apiKey = signal('')) {
  const api = fakeApi(overrides)
  const bridgeWatch = createBridgeWatch({ api, token: signal('') })
  await bridgeWatch.refresh()
  return createBackendSide({ api, bridgeWatch, apiKey, root: signal('http://bridge') })
}

describe('the publish form', () => {
  it('writes what the route of the channel wants', async () => {
    const published: string[][] = []
    const { publish } = await setUp({
      publish: async (...parts) => {
        published.push(parts)
        return 4
      },
    })
    publish.text.value = 'hi'
    expect(publish.match.value?.destination).toBe('/topic/greetings')
    expect(await publish.send()).toBe(true)
    publish.choice.value = 'raw'
    await publish.send()
    expect(published).toEqual([
      ['GREETING_CHANNEL_INBOUND', '"hi"'],
      ['GREETING_CHANNEL_INBOUND', 'hi'],
    ])
    expect(publish.outcome.value).toMatchObject({ isOk: true, text: expect.stringContaining('/topic/greetings') })
  })

  it('sends a channel of no route as it is typed', async () => {
    const { publish } = await setUp()
    publish.channel.value = 'elsewhere'
    expect(publish.match.value).toBeUndefined()
    expect(publish.encoded.value).toEqual({ payload: 'Hello from Redis' })
  })

  it('publishes nothing that the codec cannot write', async () => {
    const { publish } = await setUp({ publish: () => Promise.reject(new Error('must not be called')) })
    publish.choice.value = 'json'
    expect(await publish.send()).toBe(false)
    expect(publish.outcome.value?.text).toContain('JSON')
  })

  it('shows the words of a refusal, and is ready for the next attempt', async () => {
    const { publish } = await setUp({ publish: () => Promise.reject(new ApiError('bus-unavailable', 503, 'No bus')) })
    expect(await publish.send()).toBe(false)
    expect(publish.outcome.value).toMatchObject({ isOk: false, text: 'No bus' })
    expect(publish.isBusy.value).toBe(false)
  })
})

describe('the notification form', () => {
  it('posts text as text and JSON as a value', async () => {
    const posted: unknown[] = []
    const { notification } = await setUp({ notify: async (...parts) => void posted.push(parts) })
    notification.message.value = '{"id": 7}'
    await notification.send()
    notification.kind.value = 'json'
    await notification.send()
    expect(posted).toEqual([
      ['/topic/toast', '{"id": 7}'],
      ['/topic/toast', { id: 7 }],
    ])
  })

  it('asks for an API key where one is wanted, and for another where it is not known', async () => {
    const apiKey = signal('')
    const refuse = () => Promise.reject(new ApiError('not-authenticated', 401, 'Send an API key'))
    const { notification } = await setUp({ notify: refuse }, apiKey)
    expect([notification.isKeyWanted.value, notification.isKeyWrong.value]).toEqual([false, false])
    expect(await notification.send()).toBe(false)
    expect(notification.outcome.value?.text).toBe('This needs an API key of the bridge: enter one.')
    expect([notification.isKeyWanted.value, notification.isKeyWrong.value]).toEqual([true, false])
    apiKey.value = 'wrong'
    expect(notification.isKeyWrong.value).toBe(false)
    await notification.send()
    expect(notification.isKeyWrong.value).toBe(true)
    apiKey.value = 'another'
    expect([notification.isKeyWanted.value, notification.isKeyWrong.value]).toEqual([true, false])
  })

  it('asks for one before the first attempt where the bridge is guarded', async () => {
    const { notification } = await setUp({ bridge: async () => ({ ...BRIDGE, isOpen: false }) })
    expect(notification.isKeyWanted.value).toBe(true)
  })

  it('refuses what is no JSON before it is sent', async () => {
    const { notification } = await setUp({ notify: () => Promise.reject(new Error('must not be called')) })
    notification.kind.value = 'json'
    notification.message.value = 'hello'
    expect(await notification.send()).toBe(false)
    expect(notification.outcome.value?.text).toContain('no JSON')
  })
})

/** The text of a stream with so many messages on channel "c". */
function stream(count: number): string {
  const message = (i: number) =>
    `event: message\ndata: {"at":${i},"channel":"c","payload":"${i}","encoding":"text"}\n\n`
  return `event: live\ndata: {"channel":"c"}\n\n${Array.from({ length: count }, (_, i) => message(i)).join('')}`
}

/** Sends the text once, then stays open and silent. */
function open(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) })
}

describe('watched channels', () => {
  it('collect messages, count them and tell listeners', async () => {
    const watch = createChannelWatch({ api: { tail: async () => open(stream(3)) } })
    const heard: string[] = []
    watch.onMessage(({ payload }) => heard.push(payload))
    const entry = watch.watch('c')
    expect(watch.watch('c')).toBe(entry)
    await waitFor(() => heard.length === 3)
    expect(entry.state.value).toBe('live')
    expect(entry.messages.value).toBe(3)
    expect(watch.messages.map(({ payload }) => payload)).toEqual(['0', '1', '2'])
    watch.clear()
    expect(watch.messages).toEqual([])
    watch.unwatch('c')
    expect(watch.channels.value).toEqual([])
  })

  it('forget the oldest messages and say how many', async () => {
    const watch = createChannelWatch({ api: { tail: async () => open(stream(6000)) } })
    const entry = watch.watch('c')
    await waitFor(() => entry.messages.value === 6000)
    expect(watch.messages.length + watch.forgotten.value).toBe(6000)
    expect(watch.messages.length).toBeLessThanOrEqual(5500)
    expect(watch.messages.at(-1)?.payload).toBe('5999')
    watch.unwatch('c')
  })

  it('end their stream when they are no longer watched', async () => {
    let signalSeen: AbortSignal | undefined
    const watch = createChannelWatch({
      api: {
        tail: async (_channel, signal) => {
          signalSeen = signal
          return open(stream(1))
        },
      },
    })
    const entry = watch.watch('c')
    await waitFor(() => entry.state.value === 'live')
    watch.unwatch('c')
    expect(signalSeen?.aborted).toBe(true)
  })

  it('can be tried again after a refusal', async () => {
    const refusal = new ApiError('too-many-tails', 429, 'Too many tails')
    let attempts = 0
    const watch = createChannelWatch({
      api: { tail: async () => (attempts++ === 0 ? Promise.reject(refusal) : open(stream(0))) },
    })
    const first = watch.watch('c')
    await waitFor(() => first.state.value === 'refused')
    expect(first.reason.value).toBe('Too many tails')
    const second = watch.watch('c')
    await waitFor(() => second.state.value === 'live')
    expect(watch.channels.value).toEqual([second])
    watch.unwatch('c')
  })

  it('say why they wait while the bus is away', async () => {
    const away = 'event: unavailable\ndata: {"reason":"Redis is away"}\n\n'
    const watch = createChannelWatch({ api: { tail: async () => open(away) } })
    const entry = watch.watch('c')
    await waitFor(() => entry.state.value === 'unavailable')
    expect(entry.reason.value).toBe('Redis is away')
    watch.unwatch('c')
  })

  it('read a stream that ends at once without harm', async () => {
    const watch = createChannelWatch({ api: { tail: async () => streamOf() } })
    const entry = watch.watch('c')
    await waitFor(() => entry.state.value === 'unavailable')
    watch.unwatch('c')
  })
})

describe('the list of sessions', () => {
  const empty: SessionList = { total: 0, sessions: [] }

  it('ignores a slow answer to what was searched before', async () => {
    const answers = new Map<string, (list: SessionList) => void>()
    const sessions = createSessionWatch(
      fakeApi({ sessions: (search) => new Promise((resolve) => answers.set(search, resolve)) }),
    )
    sessions.search.value = 'old'
    const old = sessions.refresh()
    sessions.search.value = 'new'
    const fresh = sessions.refresh()
    answers.get('new')!({ ...empty, total: 1 })
    answers.get('old')!({ ...empty, total: 99 })
    await Promise.all([old, fresh])
    expect(sessions.list.value?.total).toBe(1)
  })

  it('searches as soon as something else is searched for, and stops when nobody looks', async () => {
    const searched: string[] = []
    const sessions = createSessionWatch(
      fakeApi({
        sessions: async (search) => {
          searched.push(search)
          return empty
        },
      }),
    )
    const stop = sessions.start()
    sessions.search.value = ' alice '
    stop()
    sessions.search.value = 'bob'
    expect(searched).toEqual(['', 'alice'])
  })

  it('takes a session that is gone already as closed', async () => {
    const sessions = createSessionWatch(
      fakeApi({ closeSession: () => Promise.reject(new ApiError('not-found', 404, 'There is no such session')) }),
    )
    await sessions.close('k3x9ab-1')
    expect(sessions.problem.value).toBeUndefined()
    expect(sessions.list.value).toEqual(empty)
  })

  it('says why a session could not be closed', async () => {
    const sessions = createSessionWatch(
      fakeApi({ closeSession: () => Promise.reject(new ApiError('not-authenticated', 401, 'No token')) }),
    )
    await sessions.close('k3x9ab-1')
    expect(sessions.problem.value).toBe('No token')
  })
})
