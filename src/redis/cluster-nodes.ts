/**
 * The masters of a Redis Cluster: which there are, which slots each has, and a connection to each for commands with keys. What
 * they say of each other is asked at the start, after each failure and redirection, and with each probe.
 */
import type { Redis } from 'ioredis'
import { CLUSTER_PORT, nodeText, parseRedisNode, type RedisNode } from '../config.ts'
import { askMost, askOnce } from './ask-once.ts'
import { Connection, type ConnectionEvents } from './connection.ts'
import { ignoreRefusal, viewBy, type View } from './cluster-view.ts'
import { connectionName } from './nodes.ts'
import { optionsFor, type RedisOptions } from './options.ts'
import { PublishQueue } from './publish-queue.ts'
import { SLOTS } from './slots.ts'

/** One master. */
export interface Member {
  readonly address: string
  readonly host: string
  readonly connection: Connection
  readonly queue: PublishQueue
  /** For channels of its slots; undefined where Pub/Sub is not sharded. */
  readonly shard: Connection | undefined
}

export interface ClusterEvents {
  /** A master, or an attempt to reach one, failed for this cause. */
  onFailure(cause: string): void
  /** {@link ClusterNodes.problem} may be another one. */
  onChange(): void
  /** Which slots are whose is known anew. */
  onSlots?(): void
  /** The connection for channels of this master is a new one. */
  onShard?(member: Member): void
  /** It went, or the master has given channels away. */
  onShardLost?(member: Member, reason: string): void
  onShardMessage?(channel: string, payload: Buffer): void
}

/** Between two looks at who has what, after failures; in milliseconds. */
const REFRESH_MS = 200
/** Nodes that are asked at once. */
const MAX_ASKED = 9

export class ClusterNodes {
  readonly #options: RedisOptions
  readonly #nodeId: string
  readonly #events: ClusterEvents
  readonly #failureOf: (error: Error) => Error
  readonly #seeds: readonly RedisNode[]
  #owners: readonly (string | undefined)[] = []
  readonly #members = new Map<string, Member>()
  /** Of what was applied last. */
  #epoch = 0
  #masters: readonly RedisNode[] = []
  /** By address: what stands in the certificate of a node that is reached by a number. */
  #hostnames: ReadonlyMap<string, string> = new Map()
  #refreshing: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting: (() => void)[] = []
  #isClosed = false

  constructor(options: RedisOptions, nodeId: string, events: ClusterEvents, failureOf: (error: Error) => Error) {
    this.#options = options
    this.#nodeId = nodeId
    this.#events = events
    this.#failureOf = failureOf
    this.#seeds = (options.cluster ?? []).map((text) => parseRedisNode(text, CLUSTER_PORT))
  }

  /** Which master cannot be used now, or that none is known; undefined when all can. */
  get problem(): string | undefined {
    if (this.#members.size === 0) return 'its nodes are not known yet'
    for (const { address, connection, shard } of this.#members.values()) {
      if (!connection.isReady || shard?.isReady === false) return `no connection to its node ${address}`
    }
    if (this.#owners.includes(undefined)) return 'some of its slots have no master'
    return undefined
  }

  get members(): readonly Member[] {
    return [...this.#members.values()]
  }

  /** Resolves when there is no problem. */
  untilReady(): Promise<void> {
    if (this.problem === undefined || this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Undefined if nobody is known to have it. */
  ownerOf(slot: number): Member | undefined {
    const address = this.#owners[slot]
    return address === undefined ? undefined : this.#members.get(address)
  }

  /** The node of a redirection. Resolves when it can be used; rejects when it cannot within `timeoutMs`. */
  async memberAt(address: string, timeoutMs: number): Promise<Member> {
    const deadline = performance.now() + timeoutMs
    const member = this.#members.get(address) ?? this.#add(address)
    while (!member.connection.isReady) {
      if (performance.now() > deadline) throw new Error(`no connection to its node ${address}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return member
  }

  /** A node says that this slot is somewhere else. */
  moved(slot: number, address: string): void {
    if (this.#owners[slot] === address) return
    this.#owners = this.#owners.with(slot, address)
    this.#events.onSlots?.()
    this.#refreshSoon()
  }

  /** Resolves to a master for Pub/Sub: the one of this bridge, or one that is so many behind it. */
  async locate(offset: number): Promise<RedisNode> {
    await this.refresh()
    const own = [...this.#nodeId].reduce((sum, each) => sum + each.charCodeAt(0), 0)
    return this.#named(this.#masters[(own + offset) % this.#masters.length]!)
  }

  /** Asks all that are known who has what. Rejects with what they said, if nobody knows. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  /** Asks one node by a connection that is there, and all masters whether they live. Resolves to why nothing can be done now. */
  async lookBy(client: Redis): Promise<string | undefined> {
    const info = String(await client.call('CLUSTER', 'INFO').catch(ignoreRefusal))
    const view = await viewBy((name, ...args) => client.call(name, ...args), client.stream.remoteAddress ?? '')
    // This one may not have heard yet what a majority has said.
    if (view.epoch >= this.#epoch) this.#apply(view)
    await Promise.all(
      this.members.flatMap(({ connection, shard }) =>
        [connection, ...(shard ? [shard] : [])].map(async (each) => {
          await each.client.ping().catch(ignoreRefusal) // a refusal is an answer too
          each.settled()
        }),
      ),
    )
    return /^cluster_state:fail/m.test(info) ? 'its nodes say that the Cluster is down' : undefined
  }

  /** Ends the connections and makes others. */
  drop(): void {
    for (const { connection, shard } of this.#members.values()) {
      connection.drop()
      shard?.drop()
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const resolve of this.#waiting.splice(0)) resolve()
    for (const member of this.#members.values()) end(member)
  }

  async #refresh(): Promise<void> {
    const nodes = new Map([...this.#masters, ...this.#seeds].map((node) => [nodeText(node), node]))
    const ask = (node: RedisNode): Promise<View> =>
      askOnce(optionsFor(this.#options, this.#named(node)), connectionName(this.#nodeId, 'cluster'), (client) =>
        viewBy((name, ...args) => client.call(name, ...args), node.host),
      )
    const view = await askMost([...nodes.values()].slice(0, MAX_ASKED), ask, ({ epoch }) => epoch)
    if (!this.#isClosed) this.#apply(view)
  }

  #apply({ epoch, ranges, hostnames }: View): void {
    this.#epoch = epoch
    this.#hostnames = hostnames
    const owners = new Array<string | undefined>(SLOTS).fill(undefined)
    const masters = new Map<string, RedisNode>()
    for (const [first, last, node] of ranges) {
      const address = nodeText(node)
      masters.set(address, node)
      owners.fill(address, first, last + 1)
    }
    this.#owners = owners
    this.#masters = [...masters.keys()].sort().map((address) => masters.get(address)!)
    for (const address of masters.keys()) if (!this.#members.has(address)) this.#add(address)
    for (const [address, member] of this.#members) {
      if (masters.has(address)) continue
      this.#members.delete(address)
      end(member)
    }
    this.#events.onSlots?.()
    this.#changed()
  }

  #add(address: string): Member {
    const node = parseRedisNode(address, CLUSTER_PORT)
    // Its name is looked up each time: a node that has just come is known by its address first.
    const options = { ...optionsFor(this.#options, node), locate: () => Promise.resolve(this.#named(node)) }
    const connection = this.#connect(address, options, 'cluster', {})
    const shard = options.shardedPubSub ? this.#connectShard(address, options) : undefined
    const queue = new PublishQueue(connection.client, this.#failureOf)
    const member = { address, host: node.host, connection, queue, shard }
    this.#members.set(address, member)
    connection.start()
    shard?.start()
    return member
  }

  #connect(address: string, options: RedisOptions, role: string, more: Partial<ConnectionEvents>): Connection {
    const connection = new Connection(options, connectionName(this.#nodeId, role), {
      onReady: () => {
        this.#changed()
        more.onReady?.()
      },
      onFailure: (cause) => {
        const member = this.#members.get(address)
        if (member?.connection !== connection && member?.shard !== connection) return
        this.#events.onFailure(`${address}: ${cause}`)
        this.#refreshSoon()
      },
      onClosed: () => {
        this.#changed()
        more.onClosed?.()
      },
      onUnwantedPassword: () => {}, // told by the others
    })
    return connection
  }

  #connectShard(address: string, options: RedisOptions): Connection {
    const tell = (what: (member: Member) => void): void => {
      const member = this.#members.get(address)
      if (member?.shard === shard && !this.#isClosed) what(member)
    }
    const shard: Connection = this.#connect(address, options, 'shard', {
      onReady: () => tell((member) => this.#events.onShard?.(member)),
      onClosed: () => tell((member) => this.#events.onShardLost?.(member, `no connection to its node ${address}`)),
    })
    shard.client.on('smessageBuffer', (channel: Buffer, payload: Buffer) => {
      this.#events.onShardMessage?.(channel.toString(), payload)
    })
    // Redis says so by itself of what it does not have any more.
    shard.client.on('moved', () =>
      tell((member) => {
        this.#refreshSoon()
        this.#events.onShardLost?.(member, `${address} has given a slot away`)
      }),
    )
    return shard
  }

  #named(node: RedisNode): RedisNode {
    const hostname = this.#hostnames.get(nodeText(node))
    return hostname === undefined ? node : { ...node, hostname }
  }

  #refreshSoon(): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.refresh().catch(() => this.#refreshSoon())
    }, REFRESH_MS)
  }

  #changed(): void {
    if (this.#isClosed) return
    if (this.problem === undefined) for (const resolve of this.#waiting.splice(0)) resolve()
    this.#events.onChange()
  }
}

function end({ connection, shard }: Member): void {
  connection.close()
  shard?.close()
}
