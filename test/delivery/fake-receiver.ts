/** Subscriptions without a client: each notes what is delivered to it by itself, its socket all that it gets. */
import { messageStamp, Version, type Frame } from '../../frames/index.ts'
import type { FeedOptions } from '../../src/delivery/delivery.ts'
import type { Feed, Receiver } from '../../src/delivery/feed.ts'
import type { Marker, Message } from '../../src/delivery/message.ts'
import { Output } from '../../src/delivery/output.ts'
import type { OutputMeter, Tally } from '../../src/delivery/tally.ts'
import { STOMP_ENCODINGS } from '../../src/stomp/encoding.ts'
import { markerMessage } from '../../src/stomp/marker.ts'
import { bodyOf, framesOf, type Data, type FakeNetwork, type FakeSocket } from '../support/fake-socket.ts'

export interface Wanted {
  readonly destination?: string
  readonly id?: string | undefined
  readonly version?: Version
  readonly transport?: FakeSocket['transport']
  /** Over the same connection as this one. */
  readonly like?: FakeReceiver
  /** Acknowledges, so that it gets each message by itself. */
  readonly isSingle?: boolean
  /** Gets nothing before `goLive`. */
  readonly isRecovering?: boolean
}

export class FakeReceiver implements Receiver {
  readonly socket: FakeSocket
  readonly output: Output
  readonly destination: string
  readonly id: string | undefined
  readonly version: Version
  readonly isSingle: boolean
  readonly #isRecovering: boolean
  /** What did not come with a group. */
  readonly delivered: { readonly messageId: string; readonly data: Data; readonly dropped: number }[] = []
  /** Set by whoever opens it. */
  feed!: Feed

  constructor(network: FakeNetwork, meter: OutputMeter, wanted: Wanted) {
    const { destination = '/topic/a', version = Version.V1_2, transport = 'websocket', like, isSingle = false } = wanted
    this.socket = like?.socket ?? network.socket({ transport })
    this.output = like?.output ?? new Output(this.socket, meter)
    this.destination = destination
    this.id = 'id' in wanted ? wanted.id : '0'
    this.version = version
    this.isSingle = isSingle
    this.#isRecovering = wanted.isRecovering ?? false
  }

  get feedOptions(): FeedOptions {
    const { destination, isSingle, version, id } = this
    const stamp = messageStamp(id, undefined, version)
    const isRecovering = this.#isRecovering
    return { receiver: this, destination, encoding: STOMP_ENCODINGS[version], stamp, isSingle, isRecovering }
  }

  deliver(message: Message, dropped: number): void {
    const { encoding, stamp } = this.feed
    const data = message.as(encoding).stamp(this.isSingle ? `${stamp}ack:1\n` : stamp)
    this.delivered.push({ messageId: message.id, data, dropped })
    this.output.write(data)
  }

  tell(marker: Marker): void {
    const { encoding, stamp, topic } = this.feed
    this.output.write(markerMessage(topic.destination, marker).as(encoding).stamp(stamp))
  }

  /** What its connection has got. */
  get frames(): Frame[] {
    return framesOf(this.socket.sent, this.version)
  }

  get bodies(): string[] {
    return this.frames.map(bodyOf)
  }
}

/** Counts nothing; notes what it was told. */
export class FakeMeter implements OutputMeter {
  readonly told: { readonly tally: Tally; readonly length: number }[] = []
  onWrote: (() => void) | undefined

  wrote(tally: Tally, length: number): void {
    this.told.push({ tally, length })
    this.onWrote?.()
  }

  /** Does that when it is told something for the first time from now on. */
  once(action: () => void): void {
    this.onWrote = () => {
      this.onWrote = undefined
      action()
    }
  }
}

export function lengthOf(data: readonly Data[]): number {
  return data.reduce((sum, { length }) => sum + length, 0)
}
