/** Fan-out where the runtime has no topics of its own: one prepared write for all sockets of a group. */
import type { Fanout } from '../socket.ts'

/** One socket, as far as groups are concerned. */
export interface GroupMember<Prepared> {
  /** Write what `prepare` made. */
  write(prepared: Prepared): void
}

/**
 * `prepare` turns messages into what a socket of this runtime writes at once; it is called once per group, not once per
 * socket.
 */
export class GroupFanout<Prepared> implements Fanout {
  readonly #prepare: (messages: readonly (string | Uint8Array)[]) => Prepared
  readonly #groups = new Map<string, Set<GroupMember<Prepared>>>()

  constructor(prepare: (messages: readonly (string | Uint8Array)[]) => Prepared) {
    this.#prepare = prepare
  }

  join(group: string, member: GroupMember<Prepared>): void {
    const members = this.#groups.get(group)
    if (members) members.add(member)
    else this.#groups.set(group, new Set([member]))
  }

  leave(group: string, member: GroupMember<Prepared>): void {
    const members = this.#groups.get(group)
    if (members?.delete(member) && members.size === 0) this.#groups.delete(group)
  }

  write(group: string, messages: readonly (string | Uint8Array)[]): void {
    const members = this.#groups.get(group)
    if (!members) return
    const prepared = this.#prepare(messages)
    for (const member of members) member.write(prepared)
  }
}
