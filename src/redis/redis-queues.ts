/** Work queues in Redis or Valkey: a stream for each, with one consumer group of which each node is a consumer. */
import type { Log } from '../log.ts'
import { compareOffsets } from '../position.ts'
import {
  DEAD_SUFFIX,
  LEASE_MS,
  PEEK_BYTES,
  QUEUE_GROUP,
  QUEUE_STREAMS,
  RETURNED_CHANNEL,
  type Failure,
  type Queue,
  type QueueCounts,
  type QueueListener,
  type QueuePage,
  type QueueStore,
  type TakenEntry,
} from '../queue/queue.ts'
import type { RedisCommands } from './commands.ts'
import type { RedisOptions } from './options.ts'
import { DeadMessages } from './dead-messages.ts'
import { PackedReader } from './packed.ts'
import { queueKeys } from './queue-keys.ts'
import { QueuePolling } from './queue-polling.ts'
import { QueueReader } from './queue-reader.ts'
import {
  COUNTS_SCRIPT,
  HELD_SCRIPT,
  LEAVE_SCRIPT,
  PEEK_SCRIPT,
  PURGE_SCRIPT,
  REDRIVE_SCRIPT,
  RENEW_SCRIPT,
  RETURN_SCRIPT,
  WORK_SCRIPT,
} from './queue-scripts.ts'
import { newScript, runScript, type Script } from './scripts.ts'
import { entriesIn } from './stream-replies.ts'

const SCRIPTS = {
  renew: newScript(RENEW_SCRIPT),
  leave: newScript(LEAVE_SCRIPT),
  work: newScript(WORK_SCRIPT),
  giveBack: newScript(RETURN_SCRIPT),
  held: newScript(HELD_SCRIPT),
  counts: newScript(COUNTS_SCRIPT),
  peek: newScript(PEEK_SCRIPT),
  purge: newScript(PURGE_SCRIPT),
  redrive: newScript(REDRIVE_SCRIPT),
}

/** Messages that one script moves or deletes, and their octets: Redis does nothing else meanwhile. */
const CHUNK = 500
const CHUNK_BYTES = 4 * 1024 * 1024
/** How much longer than a node keeps its own time others wait for it, in milliseconds. */
const SLACK_MS = 5000
/** Keys that are looked at to find queues that nobody on this node knows. */
const SCAN_COUNT = 1000
const MAX_SCANS = 1000

export interface RedisQueuesOptions {
  readonly redis: RedisOptions
  readonly nodeId: string
  readonly commands: RedisCommands
  readonly log: Log
}

export class RedisQueues implements QueueStore {
  readonly #options: RedisQueuesOptions
  readonly #reader: QueueReader | QueuePolling
  /** Undefined where scripts have them together with their queue. */
  readonly #dead: DeadMessages | undefined
  #listener: QueueListener | undefined

  constructor(options: RedisQueuesOptions) {
    this.#options = options
    const prefix = options.commands.key('').length
    const { commands } = options
    this.#dead = commands.isCluster ? new DeadMessages(commands) : undefined
    const Waiting = commands.isCluster ? QueuePolling : QueueReader
    this.#reader = new Waiting({
      ...options,
      arrived: (key, entries) =>
        this.#listener?.arrived(
          key.slice(prefix),
          entries.map((entry) => ({ ...entry, deliveries: 1 })),
        ),
      ended: (key, isUnsure) => this.#listener?.waitEnded(key.slice(prefix), isUnsure),
    })
  }

  listen(listener: QueueListener): void {
    this.#listener = listener
  }

  start(): void {
    this.#reader.start()
  }

  /** How often its connection was lost and made again. */
  get reconnects(): number {
    return this.#reader.reconnects
  }

  /** Redis is away, or another one. */
  reconnect(): void {
    this.#reader.reconnect()
  }

  close(): void {
    this.#reader.close()
  }

  async renew(queue: Queue, consumers: number, mayReclaim: boolean): Promise<boolean> {
    const { commands } = this.#options
    const keptMs = queue.rule.visibilitySeconds * 1000 + SLACK_MS
    const rest = [consumers, LEASE_MS, mayReclaim ? 1 : 0, keptMs, commands.key(RETURNED_CHANNEL), queue.stream]
    return Number(await this.#run(SCRIPTS.renew, queue, rest)) > 0
  }

  async leave(queue: Queue): Promise<void> {
    await this.#run(SCRIPTS.leave, queue, [])
    await this.#dead?.deleteIfEmpty(this.#deadOf(queue))
  }

  async work(queue: Queue, settled: readonly string[], wanted: number): Promise<readonly TakenEntry[]> {
    return takenIn(await this.#run(SCRIPTS.work, queue, [wanted, ...betweenEnds(settled)]))
  }

  async giveBack(queue: Queue, ids: readonly string[], failure: Failure | undefined): Promise<number> {
    const { maxDeliveries, maxLength } = queue.rule
    const head = [failure ?? '', maxDeliveries, maxLength, this.#options.commands.key(RETURNED_CHANNEL), queue.stream]
    let dead = 0
    for (let i = 0; i < ids.length; i += CHUNK) {
      const answer = await this.#run(SCRIPTS.giveBack, queue, [...head, ...ids.slice(i, i + CHUNK)])
      dead += this.#dead ? await this.#bury(this.#dead, queue, answer, failure ?? '') : Number(answer)
    }
    return dead
  }

  async #bury(dead: DeadMessages, queue: Queue, answer: unknown, reason: string): Promise<number> {
    const entries = answer as readonly (readonly [id: Uint8Array, fields: readonly Uint8Array[]])[]
    const { maxLength } = queue.rule
    await Promise.all(
      // Without fields somebody has deleted it.
      entries.map(async ([, fields]) => fields.length > 0 && dead.add(this.#deadOf(queue), fields, reason, maxLength)),
    )
    if (entries.length > 0)
      await this.work(
        queue,
        entries.map(([id]) => String(id)),
        0,
      )
    return entries.length
  }

  async held(queue: Queue): Promise<readonly string[]> {
    return ((await this.#run(SCRIPTS.held, queue, [])) as readonly Uint8Array[]).map(String)
  }

  wait({ stream }: Queue): void {
    this.#reader.wait(this.#options.commands.key(stream))
  }

  endWait({ stream }: Queue): void {
    this.#reader.end(this.#options.commands.key(stream))
  }

  // --- For operators

  async counts(queue: Queue): Promise<QueueCounts> {
    const answer = (await this.#run(SCRIPTS.counts, queue, [])) as readonly unknown[]
    const [length, pending, consumers, own] = answer.map(Number) as [number, number, number, number]
    const dead = this.#dead ? await this.#dead.count(this.#deadOf(queue)) : own
    return { ready: Math.max(0, length - pending), pending, consumers, dead }
  }

  async streams(): Promise<readonly string[]> {
    const { commands } = this.#options
    const found = new Set<string>()
    for (const send of commands.everywhere()) await this.#scan(send, found)
    return [...found]
  }

  async #scan(send: RedisCommands['send'], found: Set<string>): Promise<void> {
    const prefix = this.#options.commands.key('')
    let cursor = '0'
    for (let i = 0; i < MAX_SCANS; i++) {
      const match = `${prefix.replace(/[*?[\]\\]/g, '\\$&')}${QUEUE_STREAMS}*`
      const rest = ['MATCH', match, 'COUNT', SCAN_COUNT, 'TYPE', 'stream']
      const [next, keys] = (await send('SCAN', cursor, ...rest)) as [string, readonly string[]]
      for (const key of keys) found.add(key.slice(prefix.length))
      cursor = next
      if (cursor === '0') break
    }
  }

  async peek(queue: Queue, isDead: boolean, count: number): Promise<QueuePage> {
    if (isDead && this.#dead) return this.#dead.peek(this.#deadOf(queue), count, PEEK_BYTES)
    const answer = await this.#run(SCRIPTS.peek, queue, [isDead ? 1 : 0, count, PEEK_BYTES])
    const [hasMore, entries] = answer as readonly [number, unknown]
    return { entries: entriesIn(entries), hasMore: Number(hasMore) === 1 }
  }

  async redrive(queue: Queue): Promise<number> {
    const { maxLength } = queue.rule
    const dead = this.#dead
    const stream = this.#options.commands.key(queue.stream)
    return inChunks(maxLength, () =>
      dead
        ? dead.redrive(this.#deadOf(queue), stream, maxLength)
        : this.#run(SCRIPTS.redrive, queue, [maxLength, CHUNK, CHUNK_BYTES]),
    )
  }

  async purge(queue: Queue, isDead: boolean): Promise<number> {
    // Backends may have added more than it may hold.
    const { ready, pending, dead } = await this.counts(queue)
    const own = isDead ? this.#dead : undefined
    return inChunks(isDead ? dead : ready + pending, () =>
      own ? own.purge(this.#deadOf(queue)) : this.#run(SCRIPTS.purge, queue, [isDead ? 1 : 0, CHUNK, CHUNK_BYTES]),
    )
  }

  #deadOf({ stream }: Queue): string {
    return this.#options.commands.key(stream) + DEAD_SUFFIX
  }

  /** Resolves to the answer, whose texts are octets. */
  #run(script: Script, queue: Queue, rest: readonly (string | number)[]): Promise<unknown> {
    const { commands, nodeId } = this.#options
    const { stream, failures, nodes } = queueKeys(commands, queue.stream)
    const keys = [stream, failures, nodes, ...(this.#dead ? [] : [this.#deadOf(queue)])]
    const sendBytes: RedisCommands['send'] = (command, ...args) => commands.sendForBytes(command, ...args)
    return runScript({ send: sendBytes }, script, { keys, args: [QUEUE_GROUP, nodeId, ...rest.map(String)] })
  }
}

/** Ends also where as much is added as is taken away. Resolves to how many there were. */
async function inChunks(most: number, chunk: () => Promise<unknown>): Promise<number> {
  let sum = 0
  while (sum < most) {
    const [count, hasMore] = ((await chunk()) as readonly unknown[]).map(Number) as [number, number]
    sum += count
    if (hasMore === 0) break
  }
  return sum
}

/** Returns them with the lowest first and the highest last. */
function betweenEnds(ids: readonly string[]): string[] {
  const list = [...ids]
  const swap = (i: number, j: number): void => void ([list[i], list[j]] = [list[j]!, list[i]!])
  for (let i = 1; i < list.length; i++) if (compareOffsets(list[i]!, list[0]!) < 0) swap(i, 0)
  const last = list.length - 1
  for (let i = 1; i < last; i++) if (compareOffsets(list[i]!, list[last]!) > 0) swap(i, last)
  return list
}

function takenIn(reply: unknown): TakenEntry[] {
  const entries: TakenEntry[] = []
  if (reply === null) return entries
  const packed = new PackedReader(reply as Uint8Array)
  packed.list()
  for (let returned = packed.list(); returned > 0; returned--) {
    packed.list()
    entries.push({ id: packed.text(), deliveries: packed.number(), fields: fieldsIn(packed) })
  }
  for (let fresh = packed.list(); fresh > 0; fresh--) {
    packed.list()
    entries.push({ id: packed.text(), deliveries: 1, fields: fieldsIn(packed) })
  }
  return entries
}

function fieldsIn(packed: PackedReader): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>()
  for (let parts = packed.list(); parts > 1; parts -= 2) fields.set(packed.text(), packed.bytes())
  return fields
}
