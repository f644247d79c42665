import { signal } from '@preact/signals'
import { describe, expect, it } from 'vitest'
import { createBridgeWatch } from '../../web-debugger/api/bridge-watch.ts'
import type { Route } from '../../web-debugger/api/types.ts'
import { createBackendSide } from '../../web-debugger/backend/backend-side.ts'
import { FrameLog } from '../../web-debugger/stomp/frame-log.ts'
import type { NewRecord } from '../../web-debugger/stomp/frame-record.ts'
import type { SubscriptionEntry } from '../../web-debugger/stomp/subscriptions.ts'
import { tourNames } from '../../web-debugger/tour/names.ts'
import type { TourConnection } from '../../web-debugger/tour/scene.ts'
import { createTour, type Tour } from '../../web-debugger/tour/tour.ts'
import { waitFor } from '../support/wait.ts'
import { BRIDGE, fakeApi, ROUTES } from './debug-answers.ts'

function record(direction: 'in' | 'out', command: string, destination: string, body: string): NewRecord {
  const raw = `${command}\ndestination:${destination}\n\n${body}\0`
  const parts = {
    subscription: undefined,
    origin: undefined,
    redelivery: undefined,
    version: '1.2' as const,
    problem: undefined,
  }
  return { atMs: 0, direction, kind: 'frame', command, destination, raw, bytes: raw.length, ...parts }
}

/** A connection that answers as a bridge would, without one. */
class FakeConnection implements TourConnection {
  readonly state = signal<TourConnection['state']['value']>('idle')
  readonly subscriptions = signal<readonly SubscriptionEntry[]>([])
  readonly log = new FrameLog()

  connect(): void {
    this.state.value = 'connected'
  }
  subscribe({ destination }: { destination: string }): SubscriptionEntry {
    const entry = { destination } as SubscriptionEntry
    this.subscriptions.value = [...this.subscriptions.value, entry]
    return entry
  }
  send({ destination, body }: Parameters<TourConnection['send']>[0]): boolean {
    this.log.append(record('out', 'SEND', destination, String(body)))
    return this.state.value === 'connected'
  }
  receive(destination: string, body: string): void {
    this.log.append(record('in', 'MESSAGE', destination, body))
  }
}

/** A page whose bridge delivers at once what is posted, published or sent. */
async function setUp({ hasApi = true, routes = ROUTES }: { hasApi?: boolean; routes?: readonly Route[] } = {}) {
  const connection = new FakeConnection()
  const active = signal<FakeConnection | undefined>(undefined)
  let onChannel: ((text: string) => void) | undefined
  const api = fakeApi({
    about: async () => ({ version: '0.1.0', path: '/debugger', stompPath: '/stomp', api: hasApi, tokenNeeded: false }),
    bridge: async () => ({ ...BRIDGE, routes }),
    notify: async (topic, message) => connection.receive(topic, String(message)),
    publish: async (_channel, payload) => {
      connection.receive('/topic/greetings', JSON.parse(payload) as string)
      return payload.length
    },
    tail: async () =>
      new ReadableStream({
        start(controller) {
          const write = (event: string, data: object) =>
            controller.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
          write('live', { channel: 'GREETING_CHANNEL_OUTBOUND' })
          onChannel = (payload) =>
            write('message', { at: 1, channel: 'GREETING_CHANNEL_OUTBOUND', payload, encoding: 'text' })
        },
      }),
  })
  connection.log.onAppend(({ direction, command }) => {
    if (direction === 'out' && command === 'SEND') onChannel?.('"Hello from the browser"')
  })
  const watch = createBridgeWatch({ api, token: signal('') })
  const root = signal('http://127.0.0.1:8080')
  await watch.refresh()
  const backend = createBackendSide({ api, bridgeWatch: watch, apiKey: signal(''), root })
  const workspace = {
    active,
    connect: () => {
      active.value = connection
      connection.connect()
    },
  }
  const tour = createTour({ workspace, backend, watch, root })
  tour.open()
  return { tour, connection, active, backend, watch }
}

/** Does the steps in order, as somebody who presses every button. */
async function walk(tour: Tour): Promise<void> {
  for (const step of tour.flow.value!.steps) {
    if (step.isDone.value) continue
    expect(await step.action?.run(), step.title).toBeUndefined()
    step.confirm?.()
    await waitFor(() => step.isDone.value)
  }
}

describe('the tour', () => {
  it.each([
    ['http', 'Hello from the tour'],
    ['inbound', 'Hello from Redis'],
    ['outbound', '"Hello from the browser"'],
  ])('goes through the flow "%s" and shows what arrived', async (id, arrived) => {
    const { tour } = await setUp()
    tour.begin(id)
    expect(tour.flow.value?.isDone.value).toBe(false)
    await walk(tour)
    expect(tour.flow.value?.isDone.value).toBe(true)
    expect(tour.flow.value?.arrived.value).toBe(arrived)
    expect([...tour.finished.value]).toEqual([id])
  })

  it('notices when the reader does the steps without it', async () => {
    const { tour, connection, active } = await setUp()
    tour.begin('http')
    const isDone = () => tour.flow.value?.steps.map((step) => step.isDone.value)
    expect(isDone()).toEqual([false, false, false])
    active.value = connection
    connection.connect()
    connection.subscribe({ destination: '/topic/toast' })
    expect(isDone()).toEqual([true, true, false])
    connection.receive('/topic/elsewhere', 'no')
    expect(isDone()).toEqual([true, true, false])
    connection.receive('/topic/toast', 'from curl')
    expect(isDone()).toEqual([true, true, true])
    expect(tour.flow.value?.arrived.value).toBe('from curl')
  })

  it('counts only what came since the flow was begun', async () => {
    const { tour, connection } = await setUp()
    tour.begin('http')
    await walk(tour)
    tour.begin('http')
    expect(tour.flow.value?.isDone.value).toBe(false)
    connection.receive('/topic/toast', 'again')
    expect(tour.flow.value?.arrived.value).toBe('again')
  })

  it('does without the debug API what can be done, and gives commands for the rest', async () => {
    const { tour, connection } = await setUp({ hasApi: false })
    tour.begin('inbound')
    const publish = tour.flow.value?.steps.at(-1)
    expect(publish?.action).toBeUndefined()
    expect(publish?.command).toBe(`redis-cli PUBLISH GREETING_CHANNEL_INBOUND '"Hello from Redis"'`)
    connection.receive('/topic/greetings', 'Hello from Redis')
    tour.begin('outbound')
    await walk(tour)
    expect(tour.flow.value?.arrived.value).toBe('Hello from the browser')
  })

  it('says what is missing when a step is tried without a connection', async () => {
    const { tour } = await setUp()
    tour.begin('http')
    expect(await tour.flow.value?.steps[1]?.action?.run()).toContain('connect first')
  })

  it('stops looking when it is left', async () => {
    const { tour, connection } = await setUp()
    tour.begin('http')
    await walk(tour)
    tour.leave()
    expect(tour.isOpen.value).toBe(false)
    expect(tour.flow.value).toBeUndefined()
    connection.receive('/topic/toast', 'unseen')
    tour.open()
    tour.begin('http')
    expect(tour.flow.value?.arrived.value).toBeUndefined()
  })
})

describe('the names of the tour', () => {
  const route = (parts: Partial<Route>): Route => ({ ...ROUTES[1]!, ...parts })

  it('are those of the built-in routes', () => {
    expect(tourNames(ROUTES)).toEqual(tourNames([]))
    expect(tourNames(ROUTES).outbound.destination).toBe('/app/greet')
  })

  it('are taken from other routes where those are missing, with values for variables', () => {
    const json = route({ channel: 'json', destination: '/topic/json', codec: 'json' })
    const prices = route({ channel: 'prices:{s}', destination: '/topic/prices/{s}', codec: 'raw' })
    const news = route({ channel: 'news', destination: '/topic/news', codec: 'envelope' })
    expect(tourNames([json, prices]).inbound).toEqual({
      destination: '/topic/prices/tour',
      channel: 'prices:tour',
      codec: 'raw',
    })
    expect(tourNames([prices, news]).inbound.channel).toBe('news')
  })
})
