/**
 * Fan-out where the runtime has no topics of its own. Everything that one turn of the event loop publishes to a group
 * is gathered and leaves in one write per socket: the write is what costs, not the frame.
 */
import type { Fanout } from '../socket.ts'

/** One socket, as far as groups are concerned. */
export interface GroupMember<Prepared> {
  /** Write what `prepare` made. */
  write(prepared: Prepared): void
}

/** Gathered text is written out when it is this long, in characters or bytes: some clients read messages into small buffers. */
const MAX_GATHERED = 16_384

/** Collects what one turn of the event loop publishes, per group, and hands it on when the turn ends or `flush` is called. */
export class TurnGathering {
  readonly #write: (group: string, frames: readonly (string | Uint8Array)[]) => void
  #pending = new Map<string, (string | Uint8Array)[]>()

  constructor(write: (group: string, frames: readonly (string | Uint8Array)[]) => void) {
    this.#write = write
  }

  add(group: string, data: string | Uint8Array): void {
    if (this.#pending.size === 0) queueMicrotask(() => this.flush())
    const frames = this.#pending.get(group)
    if (frames) frames.push(data)
    else this.#pending.set(group, [data])
  }

  flush(): void {
    if (this.#pending.size === 0) return
    const pending = this.#pending
    this.#pending = new Map()
    for (const [group, frames] of pending) this.#write(group, frames)
  }
}

/**
 * `prepare` turns the frames of one turn, joined, into what a socket of this runtime writes; called once per group, not
 * once per socket. With `joinFrames` off every frame is prepared by itself.
 */
export class GatheringFanout<Prepared> implements Fanout {
  readonly #prepare: (data: string | Uint8Array) => Prepared
  readonly #joinFrames: boolean
  readonly #groups = new Map<string, Set<GroupMember<Prepared>>>()
  readonly #gathering = new TurnGathering((group, frames) => this.#write(group, frames))

  constructor(prepare: (data: string | Uint8Array) => Prepared, joinFrames: boolean) {
    this.#prepare = prepare
    this.#joinFrames = joinFrames
  }

  join(group: string, member: GroupMember<Prepared>): void {
    this.flush() // what was published before is not for the newcomer
    const members = this.#groups.get(group)
    if (members) members.add(member)
    else this.#groups.set(group, new Set([member]))
  }

  leave(group: string, member: GroupMember<Prepared>): void {
    this.flush() // what was published before still is for the leaver
    const members = this.#groups.get(group)
    if (members?.delete(member) && members.size === 0) this.#groups.delete(group)
  }

  publish(group: string, data: string | Uint8Array): void {
    this.#gathering.add(group, data)
  }

  flush(): void {
    this.#gathering.flush()
  }

  #write(group: string, frames: readonly (string | Uint8Array)[]): void {
    const members = this.#groups.get(group)
    if (!members) return
    for (const data of this.#joinFrames ? joined(frames) : frames) {
      const prepared = this.#prepare(data)
      for (const member of members) member.write(prepared)
    }
  }
}

/** Runs of text become one text, up to a limit; bytes stay by themselves, because they are another kind of message. */
export function joined(frames: readonly (string | Uint8Array)[], maxLength = MAX_GATHERED): (string | Uint8Array)[] {
  if (frames.length === 1) return [frames[0]!]
  const result: (string | Uint8Array)[] = []
  let text = ''
  for (const frame of frames) {
    if (typeof frame === 'string' && text.length + frame.length <= maxLength) {
      text += frame
      continue
    }
    if (text !== '') result.push(text)
    text = ''
    if (typeof frame === 'string') text = frame
    else result.push(frame)
  }
  if (text !== '') result.push(text)
  return result
}
