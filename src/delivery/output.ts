/**
 * What goes out to one client: its socket, and how much it was handed. Frames of its own pass here, and messages of a
 * group while it is the only member; the rest of a group's it gets from the fan-out, and counts by the group.
 */
import { roughLength } from '../rough-length.ts'
import type { Socket } from '../socket.ts'
import type { OutputMeter, Tally } from './tally.ts'

/** A group of a fan-out, as far as its members count what they get from it. */
export interface WrittenGroup {
  /** In the fan-out. */
  readonly name: string
  /** What the fan-out was handed for each member; see `roughLength`. */
  readonly written: number
}

/** Told of each write that the client's own output makes. */
export interface WriteObserver {
  wrote(): void
}

export class Output implements Tally {
  readonly socket: Socket
  /** A write counts as a heart-beat. */
  observer: WriteObserver | undefined
  look = 0
  lengthSinceLook = 0
  readonly #meter: OutputMeter
  /** What waits for `flush`; undefined if nothing is to wait. */
  #gathered: (string | Uint8Array)[] | undefined
  /** Less what the groups that it is in had been handed before it joined. */
  #written = 0

  constructor(socket: Socket, meter: OutputMeter) {
    this.socket = socket
    this.#meter = meter
  }

  get shareOfAll(): number {
    return 0
  }

  /** Handed to the socket and not yet taken by the kernel, in bytes. */
  get unsentBytes(): number {
    return this.socket.bufferedBytes
  }

  /** Handed over since the socket opened, see `roughLength`; `groups` are those that it is in. */
  total(groups: Iterable<WrittenGroup>): number {
    let total = this.#written
    for (const { written } of groups) total += written
    return total
  }

  /** Messages of the client's own wait from here on, until `flush`, so that they are one write. Returns false if they do already. */
  gather(): boolean {
    if (this.#gathered) return false
    this.#gathered = []
    return true
  }

  flush(): void {
    const gathered = this.#gathered
    this.#gathered = undefined
    if (gathered?.length === 1) this.write(gathered[0]!)
    else if (gathered && gathered.length > 0) this.writeAll(gathered)
  }

  /** As `flush`, for who tells the meter later. Returns how much that was. What comes next is not gathered. */
  settle(): number {
    const gathered = this.#gathered
    this.#gathered = undefined
    if (!gathered || gathered.length === 0) return 0
    const length = lengthOf(gathered)
    this.writeAllOfGroup(gathered, length)
    return length
  }

  /** A message of the client's own. */
  write(data: string | Uint8Array): void {
    if (this.#gathered) {
      this.#gathered.push(data)
      return
    }
    const length = roughLength(data)
    this.#count(length)
    this.socket.send(data)
    this.#meter.wrote(this, length)
  }

  /** Several of them, in one write. */
  writeAll(messages: readonly (string | Uint8Array)[]): void {
    if (this.#gathered) {
      this.#gathered.push(...messages)
      return
    }
    const length = lengthOf(messages)
    this.writeAllOfGroup(messages, length)
    this.#meter.wrote(this, length)
  }

  /** A message of a group, which tells the meter itself. Like the others it stays behind what waits. */
  writeOfGroup(data: string | Uint8Array, length: number): void {
    if (this.#gathered) {
      this.#gathered.push(data)
      return
    }
    this.#count(length)
    this.socket.send(data)
  }

  /** Several of them. */
  writeAllOfGroup(messages: readonly (string | Uint8Array)[], length: number): void {
    if (this.#gathered) {
      this.#gathered.push(...messages)
      return
    }
    this.#count(length)
    this.socket.sendAll(messages)
  }

  joinGroup(group: WrittenGroup): void {
    this.#written -= group.written
    this.socket.join(group.name)
  }

  leaveGroup(group: WrittenGroup): void {
    this.socket.leave(group.name)
    this.#written += group.written
  }

  #count(length: number): void {
    this.#written += length
    this.observer?.wrote()
  }
}

function lengthOf(messages: readonly (string | Uint8Array)[]): number {
  let length = 0
  for (const data of messages) length += roughLength(data)
  return length
}
