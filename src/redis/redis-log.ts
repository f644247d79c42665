/** History in Redis or Valkey: a stream for each destination, a hash for its position, and scripts that change both in one step. */
import { OWN_PREFIX } from '../bus/bus.ts'
import type { SettledEntries } from '../bus/queue-adder.ts'
import type {
  HistoryLog,
  LogEntry,
  LoggedMessage,
  LogPage,
  LogTarget,
  ReadFrom,
  ReadOptions,
  RecordOutcome,
  StreamEntry,
  Unrecorded,
} from '../history/log.ts'
import { CLEARED_CHANNEL, RECORDED_CHANNEL } from '../history/channels.ts'
import type { Position } from '../position.ts'
import { QUEUE_GROUP } from '../queue/queue.ts'
import type { RedisCommands } from './commands.ts'
import { Enqueuing } from './enqueuing.ts'
import { CLEAR_SCRIPT, PUBLISH_SCRIPT, READ_SCRIPT, RECORD_SCRIPT } from './log-scripts.ts'
import { queueKeys } from './queue-keys.ts'
import { newScript, OrderedScript, runScript, type Script, type ScriptCall, type ScriptRunner } from './scripts.ts'
import { tagOf } from './slots.ts'

const SCRIPTS = {
  publish: newScript(PUBLISH_SCRIPT),
  record: newScript(RECORD_SCRIPT),
  read: newScript(READ_SCRIPT),
  clear: newScript(CLEAR_SCRIPT),
}

/** How long a position is known after its entries have expired, in milliseconds. */
const KEPT_MS = '86400000'
/** How long it is known since when this Redis has been in use, after the last log was begun; milliseconds. */
const BORN_TTL_MS = '604800000'
/** How long a node that records has the sole right to, in milliseconds. */
const LEASE_MS = '3000'
/** How long a key stands for a message that is not to be published twice, in milliseconds. */
const ONCE_MS = '300000'

export interface RedisLogOptions {
  readonly commands: RedisCommands
  readonly ordered: (script: Script) => ScriptRunner
  /** Writes what those scripts were given so far. */
  readonly flush: () => void
  /** Why nothing can be sent now; undefined when it can. Thrown. */
  readonly unavailable: () => Error | undefined
  readonly nodeId: string
  /** Is this channel, as Redis calls it, published in its slot alone? */
  readonly isSharded: (channel: string) => boolean
}

/** What is done in one step. */
interface Together {
  readonly messages: readonly LoggedMessage[]
  readonly settled: readonly SettledEntries[]
}

export class RedisLog implements HistoryLog {
  readonly #options: RedisLogOptions
  readonly #publish: ScriptRunner
  readonly #enqueuing: Enqueuing
  readonly #born: string
  /** Of the epochs that this node begins. */
  readonly #random = Math.random().toString(36).slice(2, 8)
  #epochs = 0

  constructor(options: RedisLogOptions) {
    this.#options = options
    this.#publish = options.ordered(SCRIPTS.publish)
    this.#enqueuing = new Enqueuing(options.ordered, options.flush)
    this.#born = options.commands.key(`${OWN_PREFIX}history:born`)
  }

  async begin(): Promise<void> {
    const { commands } = this.#options
    // Each node of a Cluster has a time of its own, and gives its slots away: there it counts from the first use of a destination.
    if (commands.isCluster) return
    // Not every Redis lets us ask: then it is as if it had just started.
    const info = String(await commands.send('INFO', 'all').catch(() => ''))
    // Nor is it known what a log held that somebody has thrown away.
    const hasForgotten = /^(cmdstat_flush(all|db):calls|evicted_keys)[:=][1-9]/m.test(info)
    const uptime = hasForgotten ? undefined : /^uptime_in_seconds:(\d+)/m.exec(info)?.[1]
    const [seconds, micros] = ((await commands.send('TIME')) as readonly unknown[]).map(Number)
    const nowMs = seconds! * 1000 + Math.ceil(micros! / 1000)
    const startedMs = uptime === undefined ? nowMs : (seconds! - Number(uptime) - (uptime === '0' ? 0 : 1)) * 1000
    await commands.send('SET', this.#born, startedMs, 'NX', 'PX', BORN_TTL_MS)
  }

  publish(messages: readonly LoggedMessage[], settled: readonly SettledEntries[] = []): Promise<void> {
    const unavailable = this.#options.unavailable()
    if (unavailable) return Promise.reject(unavailable)
    const [first] = messages
    if (messages.length === 1 && first!.entry?.isQueue && first!.once === undefined && settled.length === 0) {
      return this.#enqueuing.add(this.#options.commands.key(first!.channel), first!.entry, first!.payload)
    }
    return this.#publishTogether({ messages, settled })
  }

  async #publishTogether(all: Together): Promise<void> {
    const { commands } = this.#options
    this.#enqueuing.flush() // what was sent before is in its queue before
    const groups = commands.isCluster ? this.#bySlot(all) : [all]
    // At once, so that nothing that is published later for one of them comes before.
    await Promise.all(groups.map((group) => this.#publish.run(this.#callFor(group))))
  }

  /** What one script can do, in a Cluster. */
  #bySlot({ messages, settled }: Together): Together[] {
    const groups = new Map<string, { messages: LoggedMessage[]; settled: SettledEntries[] }>()
    const groupOf = (tag: string) => {
      const group = groups.get(tag) ?? { messages: [], settled: [] }
      groups.set(tag, group)
      return group
    }
    for (const message of messages) groupOf(this.#tagOf(message)).messages.push(message)
    for (const each of settled) groupOf(tagOf(this.#options.commands.key(each.stream))).settled.push(each)
    return [...groups.values()]
  }

  /** By which the slot of a message is found: that of its log, its stream or its key, which is named as its channel. */
  #tagOf({ channel, target }: LoggedMessage): string {
    return tagOf(target ? this.#keyOf(target.destination, 'log') : this.#options.commands.key(channel))
  }

  #callFor({ messages, settled }: Together): ScriptCall {
    const { commands, isSharded, nodeId } = this.#options
    const keys: string[] = []
    const args: (string | Uint8Array)[] = [this.#nextEpoch(), KEPT_MS, BORN_TTL_MS, ONCE_MS]
    for (const { stream: name, ids } of settled) {
      const { stream, failures } = queueKeys(commands, name)
      keys.push(stream, failures)
      args.push('settle', '0', QUEUE_GROUP, nodeId, String(ids.length), ...ids)
    }
    for (const message of messages) {
      const { channel, payload, target, entry, once, valueTtlSeconds } = message
      const isOnce = once === undefined ? '0' : '1'
      const name = commands.key(channel)
      if (entry) {
        keys.push(name)
        args.push(entry.isQueue ? 'enqueue' : 'add', isOnce, ...partsOf(entry, payload))
      } else if (target) {
        keys.push(...this.#keysOf(target.destination))
        args.push(
          isSharded(name) ? 'keep-in-slot' : 'keep',
          isOnce,
          name,
          payload,
          String(target.size),
          String(target.ttlSeconds * 1000),
        )
      } else if (valueTtlSeconds !== undefined) {
        keys.push(name)
        args.push('set', isOnce, name, payload, String(valueTtlSeconds))
      } else if (isSharded(name)) {
        keys.push(name) // else nobody says that the slot is somewhere else
        args.push('publish-in-slot', isOnce, name, payload)
      } else {
        args.push('publish', isOnce, name, payload)
      }
      if (once !== undefined) keys.push(this.#guardOf(message, once))
    }
    const kept = messages.find(({ target }) => target)?.target
    if (kept) keys.push(this.#bornOf(kept.destination))
    return { keys, args, slotOf: commands.key(messages[0]?.channel ?? settled[0]!.stream) }
  }

  #guardOf(message: LoggedMessage, once: string): string {
    const { commands } = this.#options
    return commands.key(`${OWN_PREFIX}once:${commands.isCluster ? `{${this.#tagOf(message)}}` : ''}${once}`)
  }

  /** In a Cluster each destination has its own, in its slot. */
  #bornOf(destination: string): string {
    return this.#options.commands.isCluster ? this.#keyOf(destination, 'born') : this.#born
  }

  /** Loads the text of what publishes into Redis, so that it is known with the first message. Rejects as a command. */
  async load(send: RedisCommands['send']): Promise<void> {
    if (this.#publish instanceof OrderedScript) await this.#publish.load((text) => send('SCRIPT', 'LOAD', text))
  }

  async record(
    channel: string,
    target: LogTarget,
    payloads: readonly Unrecorded[],
    recorded: number,
  ): Promise<RecordOutcome> {
    const { commands, nodeId } = this.#options
    const { destination, size, ttlSeconds } = target
    const keys = [this.#bornOf(destination), ...this.#keysOf(destination), this.#keyOf(destination, 'recorder')]
    const own = commands.key(`${RECORDED_CHANNEL}${nodeId}`)
    const head = [
      this.#nextEpoch(),
      KEPT_MS,
      BORN_TTL_MS,
      nodeId,
      LEASE_MS,
      String(recorded),
      own,
      destination,
      commands.key(channel),
    ]
    const args = [
      ...head,
      String(size),
      String(ttlSeconds * 1000),
      ...payloads.flatMap((each) => [each.payload, each.source]),
    ]
    const [kind, number] = (await runScript(commands, SCRIPTS.record, { keys, args })) as [string, number]
    if (kind === 'held') return { kind, forMs: Math.max(0, Number(number)) }
    return { kind: kind === 'behind' ? kind : 'recorded', recorded: Number(number) }
  }

  async read(destination: string, options: ReadOptions): Promise<LogPage | undefined> {
    const { from, maxEntries, maxLength, beginForSeconds = 0, heard } = options
    const keys = [this.#bornOf(destination), ...this.#keysOf(destination)]
    const head = [this.#nextEpoch(), KEPT_MS, BORN_TTL_MS, String(beginForSeconds * 1000)]
    const args = [
      ...head,
      heard?.epoch ?? '',
      heard?.offset ?? '',
      String(maxEntries),
      String(maxLength),
      ...asked(from),
    ]
    const answer = (await runScript(this.#options.commands, SCRIPTS.read, { keys, args })) as
      readonly [epoch: string, newest: string, before: string, ttl: number, ...entries: string[]] | null
    if (!answer) return undefined
    const [epoch, newest, before, expiresInMs, ...rest] = answer
    const entries = entriesOf(rest)
    if (from.kind === 'before') entries.reverse()
    return { epoch, newest, before: before === '' ? undefined : before, expiresInMs, entries }
  }

  async value(channel: string): Promise<Uint8Array | undefined> {
    const { commands } = this.#options
    const value = await commands.sendForBytes('GET', commands.key(channel))
    return value instanceof Uint8Array ? value : undefined
  }

  async clear(destination: string, ttlSeconds: number): Promise<Position> {
    const { commands } = this.#options
    const keys = [this.#bornOf(destination), ...this.#keysOf(destination)]
    const args = [
      this.#nextEpoch(),
      KEPT_MS,
      BORN_TTL_MS,
      String(ttlSeconds * 1000),
      commands.key(CLEARED_CHANNEL),
      destination,
    ]
    const [epoch, offset] = (await runScript(commands, SCRIPTS.clear, { keys, args })) as [string, string]
    return { epoch, offset }
  }

  /** Both in one slot of a cluster. */
  #keysOf(destination: string): [string, string] {
    return [this.#keyOf(destination, 'position'), this.#keyOf(destination, 'log')]
  }

  #keyOf(destination: string, name: string): string {
    return this.#options.commands.key(`${OWN_PREFIX}history:{${destination}}:${name}`)
  }

  /** A name that no log has had. */
  #nextEpoch(): string {
    return `${this.#options.nodeId}${this.#random}${(++this.#epochs).toString(36)}.0`
  }
}

/** Clients may ask for offsets that are larger than Redis takes: no entry is behind this one either. */
const MAX_PART = 9_999_999_999_999_999n

function streamId(offset: string): string {
  const parts = offset.split('-')
  return parts.map((part) => (BigInt(part) > MAX_PART ? String(MAX_PART) : part)).join('-')
}

function partsOf({ maxLength, groups, fields }: StreamEntry, payload: string | Uint8Array): (string | Uint8Array)[] {
  const pairs = fields.flatMap(([name, value]) => [name, value ?? payload])
  return [String(maxLength), String(groups.length), ...groups, String(pairs.length), ...pairs]
}

function asked(from: ReadFrom): [kind: string, what: string] {
  switch (from.kind) {
    case 'after':
    case 'before':
      return [from.kind, streamId(from.offset)]
    case 'later':
      return [from.kind, String(from.thanMs)]
    case 'newest':
      return [from.kind, String(from.count)]
    case 'none':
    case 'oldest':
    case 'first':
      return [from.kind, '']
  }
}

/** Id, time of the one before and payload of each. */
function entriesOf(flat: readonly string[]): LogEntry[] {
  const entries: LogEntry[] = []
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const offset = flat[i]!
    const number = Number(offset.slice(offset.indexOf('-') + 1))
    entries.push({ offset, previous: `${flat[i + 1]!}-${number - 1}`, payload: flat[i + 2]! })
  }
  return entries
}
