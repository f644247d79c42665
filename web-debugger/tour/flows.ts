/** The words and deeds of the tour: its three flows, step by step. */
import { computed, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Bridge } from '../api/types.ts'
import type { BackendSide } from '../backend/backend-side.ts'
import { curlNotification, redisPublish, redisSubscribe } from '../backend/commands.ts'
import { encodePayload } from '../backend/payload.ts'
import type { TourNames } from './names.ts'
import type { Sightings, TourConnection, TourWorkspace } from './scene.ts'

export interface TourStep {
  readonly title: string
  readonly text: string
  /** What the tour does when asked; a problem as words. */
  readonly action?: { readonly label: string; readonly run: () => Promise<string | undefined> }
  /** The same from a terminal. */
  readonly command?: string
  /** For what the page cannot notice: the reader says that it is done. */
  readonly confirm?: () => void
  readonly isDone: ReadonlySignal<boolean>
}

export interface TourFlow {
  readonly id: string
  readonly title: string
  readonly summary: string
  /** Where a message goes, from left to right. */
  readonly path: readonly { readonly name: string; readonly detail: string }[]
  readonly steps: readonly TourStep[]
  /** All steps are done; the last one counts however the others stand now. */
  readonly isDone: ReadonlySignal<boolean>
  /** What was seen to arrive. */
  readonly arrived: ReadonlySignal<string | undefined>
  /** Said at the end. */
  readonly outcome: string
}

export interface FlowOptions {
  readonly workspace: TourWorkspace
  readonly backend: BackendSide
  /** Where the bridge answers. */
  readonly root: string
  readonly names: TourNames
  readonly hasApi: boolean
  readonly busKind: Bridge['bus']['kind']
  readonly seen: Signal<Sightings>
  readonly confirmed: Signal<boolean>
}

export function createFlows(options: FlowOptions): readonly TourFlow[] {
  return [httpFlow(options), inboundFlow(options), outboundFlow(options)]
}

function httpFlow({ workspace, backend, root, names: { topic }, seen }: FlowOptions): TourFlow {
  const arrived = computed(() => seen.value.received.get(topic))
  const text = 'Hello from the tour'
  return flow({
    id: 'http',
    title: 'HTTP to browsers',
    summary: 'A backend posts a notification; every browser that has subscribed gets it.',
    path: [
      { name: 'Backend', detail: 'POST /api/notification' },
      { name: 'Bridge', detail: 'to every subscriber' },
      { name: 'Browser', detail: topic },
    ],
    steps: [
      connectStep(workspace),
      subscribeStep(workspace, topic),
      {
        title: 'Post a notification',
        text: `Now be the backend: one HTTP request with the topic ${topic} and a message.`,
        action: {
          label: 'Post it',
          run: async () => {
            const { notification } = backend
            notification.topic.value = topic
            notification.kind.value = 'text'
            notification.message.value = text
            return outcomeOf(await notification.send(), notification.outcome.value)
          },
        },
        command: curlNotification(root, topic, text),
        isDone: computed(() => arrived.value !== undefined),
      },
    ],
    arrived,
    outcome: `The console shows a MESSAGE frame on ${topic}: that is what your page would get.`,
  })
}

function inboundFlow({ workspace, backend, names: { inbound }, hasApi, busKind, seen }: FlowOptions): TourFlow {
  const { destination, channel, codec } = inbound
  const arrived = computed(() => seen.value.received.get(destination))
  const text = 'Hello from Redis'
  const encoded = encodePayload(codec, text)
  const payload = 'payload' in encoded ? encoded.payload : text
  return flow({
    id: 'inbound',
    title: 'Redis to browsers',
    summary: `A backend publishes on a channel; a route takes it to a topic.${embeddedNote(busKind)}`,
    path: [
      { name: 'Backend', detail: 'PUBLISH' },
      { name: busKind === 'redis' ? 'Redis' : 'Bus', detail: channel },
      { name: 'Browser', detail: destination },
    ],
    steps: [
      connectStep(workspace),
      subscribeStep(workspace, destination),
      {
        title: 'Publish on the channel',
        text:
          `Be the backend again: publish ${payload} on ${channel}.` +
          (codec === 'json-string' ? ' The quotes belong to it: this route carries JSON strings.' : '') +
          (hasApi ? '' : ' The debug API of this bridge is off, so do it in a terminal.'),
        ...(hasApi && {
          action: {
            label: 'Publish it',
            run: async () => {
              const { publish } = backend
              publish.channel.value = channel
              publish.choice.value = 'route'
              publish.text.value = text
              return outcomeOf(await publish.send(), publish.outcome.value)
            },
          },
        }),
        ...(busKind === 'redis' && { command: redisPublish(channel, payload) }),
        isDone: computed(() => arrived.value !== undefined),
      },
    ],
    arrived,
    outcome: `What was published on ${channel} is a MESSAGE on ${destination} in the console.`,
  })
}

function outboundFlow(options: FlowOptions): TourFlow {
  const { workspace, backend, names, hasApi, busKind, seen, confirmed } = options
  const { destination, channel } = names.outbound
  const arrived = computed(() => (hasApi ? seen.value.onChannel.get(channel) : seen.value.sent.get(destination)))
  const text = 'Hello from the browser'
  return flow({
    id: 'outbound',
    title: 'Browsers to Redis',
    summary: `A page sends to an application destination; backends read it on a channel.${embeddedNote(busKind)}`,
    path: [
      { name: 'Browser', detail: `SEND ${destination}` },
      { name: busKind === 'redis' ? 'Redis' : 'Bus', detail: channel },
      { name: 'Backend', detail: 'SUBSCRIBE' },
    ],
    steps: [
      connectStep(workspace),
      {
        title: 'Watch the channel',
        text: `Look at ${channel} as a backend does${hasApi ? '' : ', in a terminal: the debug API of this bridge is off'}.`,
        ...(hasApi
          ? {
              action: {
                label: 'Watch it',
                run: async () => {
                  backend.watch.watch(channel)
                  return undefined
                },
              },
            }
          : { confirm: () => (confirmed.value = true) }),
        ...(busKind === 'redis' && { command: redisSubscribe(channel) }),
        isDone: computed(() =>
          hasApi
            ? backend.watch.channels.value.some((entry) => entry.channel === channel && entry.state.value === 'live')
            : confirmed.value,
        ),
      },
      {
        title: `Send to ${destination}`,
        text: 'Be the browser: send one message over the STOMP connection.',
        action: {
          label: 'Send it',
          run: async () => {
            const isSent = workspace.active.value?.send({ destination, body: text, receipt: true }) ?? false
            return isSent ? undefined : 'There is no connection: connect first'
          },
        },
        isDone: computed(() => arrived.value !== undefined),
      },
    ],
    arrived,
    outcome: hasApi
      ? `The message came out on ${channel}, exactly as backends read it.`
      : `The SEND frame is in the console, and your terminal shows the message on ${channel}.`,
  })
}

function connectStep(workspace: TourWorkspace): TourStep {
  return {
    title: 'Connect',
    text: 'Open a STOMP connection to this bridge, as a page in a browser does.',
    action: {
      label: 'Connect for me',
      run: async () => {
        if (!isConnected(workspace.active.value)) workspace.connect()
        return undefined
      },
    },
    isDone: computed(() => isConnected(workspace.active.value)),
  }
}

function subscribeStep(workspace: TourWorkspace, destination: string): TourStep {
  return {
    title: `Subscribe to ${destination}`,
    text: `Ask the bridge for everything that is sent to ${destination}.`,
    action: {
      label: 'Subscribe for me',
      run: async () => {
        const connection = workspace.active.value
        if (!isConnected(connection)) return 'There is no connection: connect first'
        connection?.subscribe({ destination })
        return undefined
      },
    },
    isDone: computed(
      () => workspace.active.value?.subscriptions.value.some((entry) => entry.destination === destination) ?? false,
    ),
  }
}

function flow(parts: Omit<TourFlow, 'isDone'>): TourFlow {
  return { ...parts, isDone: parts.steps.at(-1)!.isDone }
}

function isConnected(connection: TourConnection | undefined): boolean {
  return connection?.state.value === 'connected'
}

function outcomeOf(isOk: boolean, outcome: { readonly text: string } | undefined): string | undefined {
  return isOk ? undefined : outcome?.text
}

function embeddedNote(busKind: FlowOptions['busKind']): string {
  return busKind === 'embedded' ? ' Here the bus inside the bridge stands in for Redis.' : ''
}
