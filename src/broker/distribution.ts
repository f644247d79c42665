/**
 * By which channels messages for destinations travel between nodes: all by one that every node hears, or each by that of
 * its destination, which only those hear whose clients want it.
 */
import { isPattern } from '../destinations.ts'
import { destinationChannel, destinationGlob, EVERY_DESTINATION } from './destination-channel.ts'
import type { BusInterest } from './hold.ts'

/** `both` sends as `shared` does and hears what `by-interest` sends: the step between the two while nodes are switched. */
export type DistributionKind = 'shared' | 'both' | 'by-interest'

export interface DistributionOptions {
  readonly distribution: DistributionKind
  readonly broadcastChannel: string
}

export class Distribution {
  /** Heard in any case: backends publish here. */
  readonly broadcastChannel: string
  /** Are the channels of destinations heard, by those who have subscribers for them? */
  readonly hearsByInterest: boolean
  readonly #sendsByInterest: boolean

  constructor({ distribution, broadcastChannel }: DistributionOptions) {
    this.broadcastChannel = broadcastChannel
    this.hearsByInterest = distribution !== 'shared'
    this.#sendsByInterest = distribution === 'by-interest'
  }

  /** Returns the channel for a message to this (internal) destination. */
  channelFor(destination: string): string {
    return this.#sendsByInterest ? destinationChannel(destination) : this.broadcastChannel
  }

  /**
   * Returns what has to be subscribed for this destination or pattern, beside the broadcast channel. `canHear`: can
   * this glob be subscribed? Where it cannot, one for all channels serves too.
   */
  interestOf(destination: string, canHear: (glob: string) => boolean): BusInterest {
    if (!isPattern(destination)) return { kind: 'channel', name: destinationChannel(destination) }
    const glob = destinationGlob(destination)
    return { kind: 'pattern', name: canHear(glob) ? glob : EVERY_DESTINATION }
  }
}
