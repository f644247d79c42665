/** Feeds of some topics on fake sockets, without a broker: who gets a message is whoever has opened its topic. */
import { expect, onTestFinished } from 'vitest'
import { Delivery } from '../../src/delivery/delivery.ts'
import { newTopic, type Topic } from '../../src/delivery/feed.ts'
import { Groups, type GroupOptions } from '../../src/delivery/groups.ts'
import { Message } from '../../src/delivery/message.ts'
import type { SlowPolicy } from '../../src/delivery/slow-policy.ts'
import type { HeaderPair } from '../../src/headers.ts'
import { Metrics } from '../../src/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { FakeNetwork, type Data } from '../support/fake-socket.ts'
import { FakeMeter, FakeReceiver, type Wanted } from './fake-receiver.ts'

export class DeliveryStage {
  readonly clock = new FakeClock()
  readonly log = new FakeLog()
  readonly metrics = new Metrics()
  readonly meter = new FakeMeter()
  readonly network = new FakeNetwork()
  readonly groups: Groups
  readonly delivery: Delivery
  readonly #topics = new Map<string, Topic>()
  #count = 0

  constructor({ joinFrames = true, gather = [] }: Partial<GroupOptions> = {}) {
    this.groups = new Groups({ joinFrames, gather }, this.clock, this.meter, this.log, this.metrics)
    this.delivery = new Delivery(this.groups, this.clock, this.metrics)
    onTestFinished(() => {
      this.metrics.close()
      for (const transport of ['websocket', 'tcp'] as const) expect(this.network[transport].inVain).toEqual([])
    })
  }

  topic(destination: string): Topic {
    const topic = this.#topics.get(destination) ?? newTopic(destination)
    this.#topics.set(destination, topic)
    return topic
  }

  open(wanted: Wanted = {}, slowPolicy?: SlowPolicy): FakeReceiver {
    const receiver = new FakeReceiver(this.network, this.meter, wanted)
    receiver.feed = this.delivery.open(receiver.feedOptions, this.topic(receiver.destination), slowPolicy)
    return receiver
  }

  close({ feed }: FakeReceiver): void {
    this.delivery.close(feed)
  }

  deliver(body: Data, destination = '/topic/a', headers: readonly HeaderPair[] = []): Message {
    const message = this.message(body, destination, headers)
    this.delivery.deliver(this.topic(destination), message)
    return message
  }

  /** One that goes nowhere by itself. */
  message(body: Data, destination = '/topic/a', headers: readonly HeaderPair[] = []): Message {
    return new Message({ id: `node-${++this.#count}`, destination, headers, body })
  }
}
