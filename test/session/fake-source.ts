/** What a session is to its subscription table, without a broker: notes who is subscribed. */
import { FrameHeaders, Version, type Frame } from '../../frames/index.ts'
import type { BrokerSubscription, Liveness } from '../../src/broker/broker.ts'
import { ProtocolError } from '../../src/errors.ts'
import type { SubscriptionSource } from '../../src/session/subscriptions.ts'

export class FakeSource implements SubscriptionSource {
  readonly live: BrokerSubscription[] = []
  /** Given for what is subscribed next. */
  liveness: Liveness | undefined

  isPattern(destination: string): boolean {
    return destination.includes('*')
  }

  subscribe(destination: string, id: string | undefined, acknowledges: boolean) {
    if (!destination.startsWith('/topic/')) throw new ProtocolError('bad-destination', 'no')
    const subscriber = { transport: 'tcp', join() {}, leave() {}, publish() {}, deliver() {} } as const
    const subscription: BrokerSubscription = { destination, id, version: Version.V1_2, subscriber, acknowledges }
    this.live.push(subscription)
    return { subscription, liveness: this.liveness }
  }

  unsubscribe(subscription: BrokerSubscription): void {
    this.live.splice(this.live.indexOf(subscription), 1)
  }
}

export function frameOf(command: string, headers: Readonly<Record<string, string>>): Frame {
  return { command, headers: FrameHeaders.from(headers), body: new Uint8Array() }
}
