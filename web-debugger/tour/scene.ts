/** What the tour needs of the page around it, and what it notes down there. */
import type { ReadonlySignal } from '@preact/signals'
import type { Connection } from '../stomp/connection.ts'

export type TourConnection = Pick<Connection, 'state' | 'subscriptions' | 'log' | 'subscribe' | 'send'>

export interface TourWorkspace {
  readonly active: ReadonlySignal<TourConnection | undefined>
  /** Connects the active one. */
  connect(): void
}

/** What came over the wire since the flow was begun: the first text, by destination or channel. */
export interface Sightings {
  readonly received: ReadonlyMap<string, string>
  readonly sent: ReadonlyMap<string, string>
  readonly onChannel: ReadonlyMap<string, string>
}
