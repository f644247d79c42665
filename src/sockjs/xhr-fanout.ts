/** Fan-out to SockJS sessions over HTTP. A session outlives its connections, so that it is a member by itself. */
import type { Fanout } from '../socket.ts'
import { QuotedMessages, type Data } from './quoted-messages.ts'

/** A session, as far as groups are concerned. */
export interface XhrMember {
  take(messages: QuotedMessages): void
}

export class XhrFanout implements Fanout {
  readonly #groups = new Map<string, Set<XhrMember>>()

  join(group: string, member: XhrMember): void {
    const members = this.#groups.get(group)
    if (members) members.add(member)
    else this.#groups.set(group, new Set([member]))
  }

  leave(group: string, member: XhrMember): void {
    const members = this.#groups.get(group)
    if (members?.delete(member) && members.size === 0) this.#groups.delete(group)
  }

  write(group: string, messages: readonly Data[]): void {
    const members = this.#groups.get(group)
    if (!members) return
    const quoted = new QuotedMessages(messages)
    for (const member of members) member.take(quoted)
  }
}
