/**
 * The guided tour: three flows of a message, each in a few steps that the tour can do, or that it notices when the
 * reader does them. No DOM. Sees the connections through the few members named here.
 */
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals'
import type { BridgeWatch } from '../api/bridge-watch.ts'
import type { BackendSide } from '../backend/backend-side.ts'
import { partsOf } from '../stomp/frame-record.ts'
import { createFlows, type TourFlow } from './flows.ts'
import { tourNames } from './names.ts'
import type { Sightings, TourWorkspace } from './scene.ts'

export interface Tour {
  readonly isOpen: ReadonlySignal<boolean>
  /** Undefined while a flow is being chosen. */
  readonly flow: ReadonlySignal<TourFlow | undefined>
  readonly flows: ReadonlySignal<readonly TourFlow[]>
  /** Flows that were gone through since the page was opened. */
  readonly finished: ReadonlySignal<ReadonlySet<string>>
  open(): void
  leave(): void
  /** Begins a flow anew; without an id, back to the choice. */
  begin(id: string | undefined): void
}

export interface TourOptions {
  readonly workspace: TourWorkspace
  readonly backend: BackendSide
  readonly watch: BridgeWatch
  /** Where the bridge answers, for the commands to copy. */
  readonly root: ReadonlySignal<string>
}

const NOTHING: Sightings = { received: new Map(), sent: new Map(), onChannel: new Map() }

export function createTour({ workspace, backend, watch, root }: TourOptions): Tour {
  const isOpen = signal(false)
  const flowId = signal<string | undefined>(undefined)
  const finished = signal<ReadonlySet<string>>(new Set())
  const seen = signal(NOTHING)
  const confirmed = signal(false)
  // As text, so that the flows are made anew only when a name has changed and not with every answer of the bridge.
  const names = computed(() => JSON.stringify(tourNames(watch.bridge.value?.routes ?? [])))
  const hasApi = computed(() => watch.access.value === 'on')
  // Without the API it is not known; then the commands are of more use than none.
  const busKind = computed(() => watch.bridge.value?.bus.kind ?? 'redis')
  const flows = computed(() =>
    createFlows({
      workspace,
      backend,
      root: root.value,
      names: JSON.parse(names.value) as ReturnType<typeof tourNames>,
      hasApi: hasApi.value,
      busKind: busKind.value,
      seen,
      confirmed,
    }),
  )
  const flow = computed(() => flows.value.find(({ id }) => id === flowId.value))

  let stopLooking: (() => void) | undefined
  const look = () => {
    const stopFrames = effect(() =>
      workspace.active.value?.log.onAppend((record) => {
        const { direction, command, destination } = record
        if (destination === undefined || record.problem !== undefined) return
        if (direction === 'in' && command === 'MESSAGE') note('received', destination, partsOf(record).text ?? '')
        if (direction === 'out' && command === 'SEND') note('sent', destination, partsOf(record).text ?? '')
      }),
    )
    const stopMessages = backend.watch.onMessage(({ channel, payload }) => note('onChannel', channel, payload))
    const stopFinished = effect(() => {
      const current = flow.value
      if (!current?.isDone.value || finished.peek().has(current.id)) return
      finished.value = new Set([...finished.peek(), current.id])
    })
    return () => {
      stopFrames()
      stopMessages()
      stopFinished()
    }
  }
  const note = (kind: keyof Sightings, key: string, text: string) => {
    // Only the first of each: a busy topic must not redraw the tour with every message.
    if (flowId.peek() === undefined || seen.peek()[kind].has(key)) return
    seen.value = { ...seen.peek(), [kind]: new Map([...seen.peek()[kind], [key, text]]) }
  }
  const begin = (id: string | undefined) => {
    seen.value = NOTHING
    confirmed.value = false
    flowId.value = id
  }

  return {
    isOpen,
    flow,
    flows,
    finished,
    begin,
    open() {
      if (isOpen.value) return
      isOpen.value = true
      begin(undefined)
      stopLooking = look()
    },
    leave() {
      isOpen.value = false
      stopLooking?.()
      stopLooking = undefined
      begin(undefined)
    },
  }
}
