/**
 * Who looks at channels as they are on the bus: beside the subscriptions of sessions, without routes and codecs, one
 * copy of each payload. Each watch holds its channel by the same count as everybody else, so that neither takes it from
 * the other. Called by the broker.
 */
import type { ChannelInterests, Hold } from './channel-interests.ts'

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
  /** Undefined while the bus refuses the channel. */
  hold: Hold | undefined
  isLive: boolean
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
    const watch: Watch = { channel, watcher, hold: undefined, isLive: false }
    const watches = this.#byChannel.get(channel)
    if (watches) watches.add(watch)
    else this.#byChannel.set(channel, new Set([watch]))
    if (this.#reason !== undefined) watcher.unavailable(this.#reason)
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
      else {
        watch.isLive = false
        watch.watcher.unavailable(reason)
      }
    }
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
    const pending = this.#interests.whenLive(hold)
    if (!pending) return this.#goLive(watch, hold)
    pending.live.then(
      () => this.#goLive(watch, hold),
      (error: unknown) => this.#refused(watch, hold, error as Error),
    )
  }

  #goLive(watch: Watch, hold: Hold): void {
    // What is released counts as live too, for those who only waited.
    if (watch.isLive || watch.hold !== hold || this.#reason !== undefined) return
    watch.isLive = true
    watch.watcher.live()
  }

  /** Asked again when the bus comes back: its access rules may be others then. */
  #refused(watch: Watch, hold: Hold, error: Error): void {
    if (watch.hold !== hold) return
    watch.hold = undefined
    this.#interests.release(hold)
    if (this.#has(watch)) watch.watcher.unavailable(error.message)
  }

  #has(watch: Watch): boolean {
    return this.#byChannel.get(watch.channel)?.has(watch) ?? false
  }

  #remove(watch: Watch): void {
    const watches = this.#byChannel.get(watch.channel)
    if (!watches?.delete(watch)) return
    if (watches.size === 0) this.#byChannel.delete(watch.channel)
    if (watch.hold) this.#interests.release(watch.hold)
    watch.hold = undefined
  }
}
