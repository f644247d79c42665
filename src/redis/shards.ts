/**
 * Sharded Pub/Sub of a Redis Cluster: each channel is subscribed at the master that has its slot, and follows where the slot goes.
 * From the moment that a master gives a slot away, or is gone, until everything is subscribed again, something may be missed: that is an
 * outage of the bus, and whoever keeps a history fills it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { BusRefusedError } from '../bus/bus.ts'
import type { ClusterNodes, Member } from './cluster-nodes.ts'
import { errorText, isReply, redirectIn } from './replies.ts'
import type { Slots } from './slots.ts'
import { Wanted } from './wanted.ts'

/** Before what has failed is tried again, in milliseconds. */
const RETRY_MS = 50

const NOT_YET = 'channels are not subscribed yet'
const MISSING = 'has no sharded Pub/Sub, which redis.shardedPubSub needs: Redis 7 or later, or Valkey'

export interface ShardsUse {
  /** Redis refuses a channel, or (undefined) takes it again. */
  onRefusal(channel: string, refusal: BusRefusedError | undefined): void
  /** Redis can do nothing now. */
  onPassing(text: string): void
  /** {@link ShardedChannels.problem} may be another one. */
  onChange(): void
  onFailure(cause: string): void
}

export interface ShardsOptions {
  readonly nodes: ClusterNodes
  readonly slots: Slots
  /** Put before every channel. */
  readonly keyPrefix: string
  /** How long a slot is followed that nobody admits to have, in milliseconds. */
  readonly timeoutMs: number
}

export class ShardedChannels {
  readonly #options: ShardsOptions
  readonly #use: ShardsUse
  readonly #wanted: Wanted
  readonly #names = new Set<string>()
  /** Where each channel is subscribed, by its address. */
  readonly #places = new Map<string, string>()
  #problem: string | undefined = NOT_YET
  /** Is this a Redis that is too old? */
  #isMissing = false
  #isSyncing = false
  #isSyncWanted = false
  #isClosed = false

  constructor(options: ShardsOptions, use: ShardsUse) {
    this.#options = options
    this.#use = use
    this.#wanted = new Wanted({
      send: (names) =>
        this.#send(names).catch((error: unknown) => {
          if (!isReply(error)) this.#sync(errorText(error))
          throw error
        }),
      isConnected: () => true, // what cannot be asked now is asked when it can be
      onRefusal: (name, refusal) => use.onRefusal(name, refusal),
      onPassing: (text) => use.onPassing(text),
    })
  }

  /** Why not everything that is wanted is subscribed now; undefined if it is. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Resolves and rejects as the bus does. */
  subscribe(channel: string): Promise<void> {
    this.#names.add(channel)
    return this.#wanted.add(channel)
  }

  unsubscribe(channel: string): void {
    this.#names.delete(channel)
    this.#wanted.delete(channel)
    const address = this.#places.get(channel)
    if (address !== undefined) this.#leave(channel, address)
  }

  #leave(channel: string, address: string): void {
    this.#places.delete(channel)
    const shard = this.#options.nodes.members.find((member) => member.address === address)?.shard
    if (shard?.isReady) shard.client.sunsubscribe(this.#options.keyPrefix + channel).catch(() => {}) // gone with the connection
  }

  /** Resolves when all that any master has passed on so far has come. Rejects if that cannot be told. */
  async flush(): Promise<void> {
    const { members } = this.#options.nodes
    await Promise.all(members.map(async ({ shard }) => shard?.client.ping()))
  }

  /** Asks for what Redis has refused. Resolves to what Redis said if it takes something only later. */
  askAgain(): Promise<string | undefined> {
    return this.#wanted.askAgain()
  }

  close(error: Error): void {
    this.#isClosed = true
    this.#wanted.close(error)
  }

  // --- What becomes of the masters

  /** A connection for channels is there, as a new one. */
  connected({ address, shard }: Member): void {
    this.#forget(address)
    shard!.client.call('COMMAND', 'INFO', 'ssubscribe').then(
      (infos) => {
        this.#isMissing = Array.isArray(infos) && infos[0] === null
        if (this.#isMissing) this.#use.onFailure(`${address} ${MISSING}`)
        this.#sync()
      },
      (error: unknown) => {
        if (isReply(error)) this.#sync() // who may not ask finds out in another way
      },
    )
  }

  /** A connection for channels is gone, or the master has given a slot away. */
  lost({ address }: Member, reason: string): void {
    this.#forget(address)
    this.#sync(reason)
  }

  /** Slots may be at other masters now. */
  slotsChanged(): void {
    const { nodes } = this.#options
    for (const [channel, address] of this.#places) {
      if (nodes.ownerOf(this.#slotOf(channel))?.address !== address) return this.#sync('slots have other masters')
    }
  }

  #forget(address: string): void {
    for (const [channel, at] of this.#places) if (at === address) this.#places.delete(channel)
  }

  /** Subscribes everything where it is now. */
  #sync(reason = NOT_YET): void {
    this.#isSyncWanted = true
    this.#problem ??= reason
    this.#use.onChange()
    if (this.#isSyncing || this.#isClosed) return
    this.#isSyncing = true
    void this.#syncAll()
  }

  async #syncAll(): Promise<void> {
    const { nodes } = this.#options
    while (this.#isSyncWanted && !this.#isClosed) {
      await nodes.untilReady()
      this.#isSyncWanted = false
      try {
        const passing = await this.#wanted.restore()
        if (passing !== undefined) this.#isSyncWanted = true
      } catch {
        this.#isSyncWanted = true // a connection went
      }
      if (this.#isSyncWanted) await pause(RETRY_MS)
    }
    this.#isSyncing = false
    if (this.#isClosed) return
    this.#problem = this.#isMissing ? `it ${MISSING}` : undefined
    this.#use.onChange()
  }

  // --- SSUBSCRIBE

  #slotOf(channel: string): number {
    return this.#options.slots.of(this.#options.keyPrefix + channel)
  }

  /** One command takes channels of one slot. */
  async #send(names: readonly string[]): Promise<unknown> {
    const groups = new Map<number, string[]>()
    for (const name of names) {
      const slot = this.#slotOf(name)
      const group = groups.get(slot)
      if (group) group.push(name)
      else groups.set(slot, [name])
    }
    return Promise.all([...groups].map(([slot, group]) => this.#subscribe(slot, group)))
  }

  async #subscribe(slot: number, names: readonly string[]): Promise<void> {
    const { nodes, keyPrefix, timeoutMs } = this.#options
    const deadline = performance.now() + timeoutMs
    for (let redirections = 0; ; redirections++) {
      if (redirections > 1) await pause(RETRY_MS) // the nodes do not agree yet
      const owner = nodes.ownerOf(slot)
      const shard = owner?.shard
      if (!shard?.isReady) throw new Error(nodes.problem ?? 'a slot has no master')
      const left = names.filter((name) => this.#places.get(name) !== owner!.address)
      if (left.length === 0) return
      try {
        await shard.client.ssubscribe(...left.map((name) => keyPrefix + name))
        for (const name of left) this.#places.set(name, owner!.address)
        // What has been given up meanwhile.
        for (const name of left) if (!this.#names.has(name)) this.#leave(name, owner!.address)
        return
      } catch (error) {
        const redirect = redirectIn(error, owner!.host)
        if (redirect?.kind !== 'moved') throw error
        if (performance.now() > deadline) throw new Error(errorText(error), { cause: error })
        nodes.moved(slot, redirect.address)
        await nodes.memberAt(redirect.address, timeoutMs)
      }
    }
  }
}
