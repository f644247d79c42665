/**
 * How far one stream was read by this node, and what a look at it means: is something gone that was not read, or have its
 * ids begun anew? Pure but for telling who follows.
 */
import { isWholeBehind, NO_ENTRY, type StreamEntry, type StreamFollower } from '../history/stream.ts'
import { compareOffsets } from '../position.ts'
import { knownOf, type Known, type WholeInfo } from './stream-replies.ts'

/** Entries that are known again when the stream has gone back. */
const MAX_SEEN = 1000

export class FollowedStream {
  readonly name: string
  /** As Redis calls it. */
  readonly key: string
  /** What it was looked at last, by the clock; -Infinity when it has to be before it is read. */
  lookedMs = -Infinity
  readonly #follower: StreamFollower
  /** Id of the newest entry that was read, or of the one that was the newest at the start; undefined before that is known. */
  #position: string | undefined
  /** How many entries there ever were up to there; undefined if that is not known. */
  #added: number | undefined
  #oldest: Known | undefined
  readonly #seen = new Map<string, string>()
  #refusal: string | undefined

  constructor(name: string, key: string, follower: StreamFollower) {
    this.name = name
    this.key = key
    this.#follower = follower
  }

  get position(): string | undefined {
    return this.#position
  }

  get isRefused(): boolean {
    return this.#refusal !== undefined
  }

  /** Can it be read on? */
  get isOpen(): boolean {
    return this.#position !== undefined && !this.isRefused
  }

  accept(entry: StreamEntry): void {
    this.#position = entry.id
    if (this.#added !== undefined) this.#added++
    this.#see(knownOf(entry))
    this.#follower.entry(entry)
  }

  /** Returns true if it was not refused for this reason before. */
  refuse(reason: string): boolean {
    if (this.#refusal === reason) return false
    this.#refusal = reason
    this.#follower.refused(reason)
    return true
  }

  /** It has been looked at. Returns what is to be told of it: undefined if it is as it should be. */
  look(info: WholeInfo): 'trimmed' | 'anew' | undefined {
    if (this.isRefused) {
      this.#refusal = undefined
      this.#follower.refused(undefined)
    }
    const found = this.#judge(info)
    this.#oldest = info.oldestEntry
    return found
  }

  #judge(info: WholeInfo): 'trimmed' | 'anew' | undefined {
    const { newest, newestEntry, added } = info
    const position = this.#position
    if (position === undefined) {
      this.#moveTo(newest, added)
      if (newestEntry) this.#see(newestEntry)
      this.#follower.stands(newest)
      return undefined
    }
    const isBehind = compareOffsets(newest, position)
    if (isBehind === 0) {
      this.#added = added
      return undefined
    }
    if (isBehind > 0) {
      if (this.#isWhole(position, info)) return undefined
      this.#added = undefined
      this.#follower.lost(position, false)
      return 'trimmed'
    }
    if (this.#hasGoneBack(info)) {
      this.#moveTo(newest, added)
      this.#follower.stands(newest)
      return undefined
    }
    this.#moveTo(NO_ENTRY, 0)
    this.#seen.clear()
    this.#follower.lost(NO_ENTRY, true)
    return 'anew'
  }

  #isWhole(position: string, info: WholeInfo): boolean {
    if (isWholeBehind(position, info)) return true
    // All that is gone was read before: so many were gone as had been added then.
    const { added, length } = info
    return added !== undefined && this.#added !== undefined && added - length <= this.#added
  }

  /**
   * The newest id is lower than what was read. Redis has lost what came last, and the rest is known here? Then it must not
   * come again. Else it is another stream.
   */
  #hasGoneBack({ newest, newestEntry, oldestEntry }: WholeInfo): boolean {
    if (newest === NO_ENTRY) return false
    if (!newestEntry) return true
    const seen = this.#seen.get(newestEntry.id)
    if (seen !== undefined) return seen === newestEntry.text
    if (!this.#oldest || !oldestEntry) return false
    const isTrimmed = compareOffsets(oldestEntry.id, this.#oldest.id)
    return isTrimmed === 0 ? oldestEntry.text === this.#oldest.text : isTrimmed > 0
  }

  #moveTo(id: string, added: number | undefined): void {
    this.#position = id
    this.#added = added
  }

  #see({ id, text }: Known): void {
    this.#seen.set(id, text)
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.keys().next().value!)
  }
}
