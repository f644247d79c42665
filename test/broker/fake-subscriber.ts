/** Subscribers without sockets, and the fan-outs that serve them: each notes what it gets, in order. */
import { expect } from 'vitest'
import { messageStamp, type Frame, type MessageTemplate, type Version } from '../../frames/index.ts'
import type { BrokerSubscription, Subscriber } from '../../src/broker/broker.ts'
import type { OutputMeter, Tally } from '../../src/broker/tally.ts'
import type { Fanout } from '../../src/socket.ts'
import { framesOf } from '../support/fake-socket.ts'

type Data = string | Uint8Array

/** Gives what is published to who is a member then; notes it, and to which group it went. */
export class FakeFanout implements Fanout {
  readonly published: { readonly group: string; readonly data: Data }[] = []
  readonly #members = new Map<string, Set<FakeSubscriber>>()

  join(group: string, member: FakeSubscriber): void {
    const members = this.#members.get(group) ?? new Set()
    expect(members.has(member), `${group} was joined before`).toBe(false)
    this.#members.set(group, members.add(member))
  }

  leave(group: string, member: FakeSubscriber): void {
    expect(this.#members.get(group)?.delete(member), `${group} was joined`).toBe(true)
  }

  publish(group: string, messages: readonly Data[]): void {
    for (const data of messages) this.published.push({ group, data })
    const members = this.#members.get(group) ?? []
    expect([...members], `${group} has members`).not.toEqual([])
    for (const member of members) member.received.push(...messages)
  }
}

export class FakeNetwork {
  readonly websocket = new FakeFanout()
  readonly tcp = new FakeFanout()

  subscriber(transport: 'websocket' | 'tcp' = 'websocket'): FakeSubscriber {
    return new FakeSubscriber(transport, this[transport])
  }
}

/** Gets what its groups get, what is for it as the only member of one, and what is delivered to it alone. */
export class FakeSubscriber implements Subscriber {
  readonly transport: 'websocket' | 'tcp'
  /** Those of the fan-out that it is in. */
  readonly groups = new Set<string>()
  /** Everything, in order, one entry per write. */
  readonly received: Data[] = []
  /** What of that came as the only member of a group. */
  readonly direct: Data[] = []
  /** What of that was for it alone. */
  readonly delivered: { readonly id: string | undefined; readonly data: Data; readonly messageId: string }[] = []
  readonly #fanout: FakeFanout

  constructor(transport: 'websocket' | 'tcp', fanout: FakeFanout) {
    this.transport = transport
    this.#fanout = fanout
  }

  join(group: string): void {
    this.groups.add(group)
    this.#fanout.join(group, this)
  }

  leave(group: string): void {
    this.groups.delete(group)
    this.#fanout.leave(group, this)
  }

  publish(messages: readonly Data[]): void {
    this.direct.push(...messages)
    this.received.push(...messages)
  }

  deliver({ id, version, acknowledges }: BrokerSubscription, template: MessageTemplate, messageId: string): void {
    const data = template.stamp(messageStamp(id, acknowledges ? '1' : undefined, version))
    this.delivered.push({ id, data, messageId })
    this.received.push(data)
  }

  frames(version: Version): Frame[] {
    return framesOf(this.received, version)
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
}

export function bodyOf({ body }: Frame): string {
  return new TextDecoder().decode(body)
}
