/**
 * Who looks at channels as they are on the bus: beside the subscriptions of sessions, without routes and codecs, one
 * copy of each payload. Each watch holds its channel by the same count as everybody else, so that neither takes it from
 * the other. Called by the broker.
 */
import type { ChannelInterests } from './channel-interests.ts'
import type { Hold } from './hold.ts'

/** What a watch tells. Called synchronously; must not throw. */
export interface ChannelWatcher {
  /** From here on every payload comes. */
  live(): void
  /** Nothing comes until `live`, which is said again when it does. */
  unavailable(reason: string): void
  /** A view that is valid during the call. */
  message(payload: Uint8Array): void
  /** The bridge closes. Comes last. */
  ended(): void
}

interface Watch {
  readonly channel: string
  readonly watcher: ChannelWatcher
  /** Undefined when it has ended. */
  hold: Hold | undefined
  /** As it was told last: live, or why not. */
  told: { readonly reason: string | undefined } | undefined
}

export class ChannelWatches {
  readonly #interests: ChannelInterests
  readonly #byChannel = new Map<string, Set<Watch>>()
  /** Undefined when the bus is there. */
  #reason: string | undefined = 'not started yet'

  constructor(interests: ChannelInterests) {
    this.#interests = interests
  }

  /** Look at this channel until the function that is given back is called. */
  add(channel: string, watcher: ChannelWatcher): () => void {
    const watch: Watch = { channel, watcher, hold: undefined, told: undefined }
    const watches = this.#byChannel.get(channel)
    if (watches) watches.add(watch)
    else this.#byChannel.set(channel, new Set([watch]))
    if (this.#reason !== undefined) this.#tell(watch, this.#reason)
    this.#begin(watch)
    return () => this.#remove(watch)
  }

  /** A payload has come to a channel that is subscribed by its name. */
  receive(channel: string, payload: Uint8Array): void {
    if (this.#byChannel.size === 0) return
    const watches = this.#byChannel.get(channel)
    if (watches) for (const { watcher } of watches) watcher.message(payload)
  }

  /** The bus went, for this reason, or has come back. Said after the interests know it. */
  setUnavailableReason(reason: string | undefined): void {
    this.#reason = reason
    for (const watch of this.#all()) {
      if (reason === undefined) this.#begin(watch)
      else this.#tell(watch, reason)
    }
  }

  /** The bus has refused something: those who are concerned hear it, and when it is live again. */
  refused(): void {
    for (const watch of this.#all()) if (watch.hold && this.#interests.refusalOf(watch.hold)) this.#begin(watch)
  }

  close(): void {
    for (const { watcher } of this.#all()) watcher.ended()
    this.#byChannel.clear()
  }

  #all(): Watch[] {
    return [...this.#byChannel.values()].flatMap((watches) => [...watches])
  }

  #begin(watch: Watch): void {
    watch.hold ??= this.#interests.holdChannel(watch.channel)
    const { hold } = watch
    if (this.#reason !== undefined || hold.pending) return
    const refusal = this.#interests.refusalIn(hold)
    const pending = this.#interests.whenLive(hold)
    if (!pending) return this.#tell(watch, undefined)
    if (refusal) this.#tell(watch, refusal.message)
    pending.live.then(
      () => {
        // What is released counts as live too, for those who only waited.
        if (watch.hold === hold && this.#reason === undefined) this.#tell(watch, undefined)
      },
      // The bus asks again now and then, so it can still come to be live.
      () => {
        if (watch.hold === hold) this.#begin(watch)
      },
    )
  }

  /** Live, or why not. */
  #tell(watch: Watch, reason: string | undefined): void {
    if (watch.told && watch.told.reason === reason) return
    watch.told = { reason }
    if (reason === undefined) watch.watcher.live()
    else watch.watcher.unavailable(reason)
  }

  #remove(watch: Watch): void {
    const watches = this.#byChannel.get(watch.channel)
    if (!watches?.delete(watch)) return
    if (watches.size === 0) this.#byChannel.delete(watch.channel)
    if (watch.hold) this.#interests.release(watch.hold)
    watch.hold = undefined
  }
}
