/** What somebody types to subscribe to something, until it is subscribed. */
import { signal, type Signal } from '@preact/signals'
import type { Header } from '../../frames/index.ts'
import type { HeaderRow } from '../ui/parse-header-rows.ts'
import type { Connection } from './connection.ts'
import { localTime, readAsk, type AskForm, type AskKind } from './place.ts'
import { readPrefetch } from './prefetch.ts'
import type { AckMode } from './subscriptions.ts'

export type AskSignals = { readonly [Name in keyof AskForm]: Signal<AskForm[Name]> }

/** Where somebody begins who asks by time. */
const MINUTES_BACK = 10

export class SubscribeForm {
  readonly destination = signal('')
  readonly ack = signal<AckMode>('auto')
  readonly prefetch = signal('')
  readonly headers = signal<readonly HeaderRow[]>([])
  readonly problem = signal<string | undefined>(undefined)
  /** What comes first. */
  readonly ask: AskSignals = {
    kind: signal<AskKind>('now'),
    count: signal('10'),
    time: signal(localTime(Date.now() - MINUTES_BACK * 60_000)),
    offset: signal(''),
    epoch: signal(''),
  }

  get wanted(): string {
    return this.destination.value.trim()
  }

  /** With `auto` a message is settled when it is sent: there is nothing to count. */
  get hasPrefetch(): boolean {
    return this.ack.value !== 'auto'
  }

  /** Says in `problem` why not. */
  subscribe(connection: Connection): void {
    const { wanted: destination, ask, problem } = this
    const { kind, count, time, offset, epoch } = ask
    const form = { kind: kind.value, count: count.value, time: time.value, offset: offset.value, epoch: epoch.value }
    const asked = readAsk(form, destination, connection.placeOf(destination))
    const limited = this.hasPrefetch ? readPrefetch(this.prefetch.value) : []
    if (destination === '') problem.value = 'Enter a destination, such as /topic/greetings'
    else problem.value = [asked, limited].find((each) => typeof each === 'string')
    if (problem.value !== undefined || typeof asked === 'string' || typeof limited === 'string') return
    const rows = this.headers.value.filter((row) => row.name !== '').map(({ name, value }): Header => [name, value])
    connection.subscribe({ destination, ack: this.ack.value, headers: [...asked, ...limited, ...rows] })
    this.destination.value = ''
    // The next one may be of a destination without history, where asking ends the session.
    kind.value = 'now'
  }
}
