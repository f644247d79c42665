/**
 * The dead messages of a work queue in a Redis Cluster, where their stream is on another node than the queue: what moves there is
 * there first, and gone from the queue then. A node that is killed in between leaves it in both, never in neither.
 */
import type { QueueEntry, QueuePage } from '../queue/queue.ts'
import type { RedisCommands } from './commands.ts'
import { ENQUEUE_SCRIPT } from './queue-scripts.ts'
import { newScript, runScript } from './scripts.ts'
import { entriesIn } from './stream-replies.ts'

/** KEYS: a stream. Deletes it if it holds nothing and nobody has a group there. */
const DELETE_EMPTY = newScript(`
if redis.call('XLEN', KEYS[1]) > 0 or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if #redis.call('XINFO', 'GROUPS', KEYS[1]) > 0 then return 0 end
return redis.call('DEL', KEYS[1])
`)
const ENQUEUE = newScript(ENQUEUE_SCRIPT)

/** Messages that are read at once: they may be large. */
const CHUNK = 20

type Entry = readonly [id: Uint8Array, fields: readonly Uint8Array[]]

export class DeadMessages {
  readonly #commands: RedisCommands

  constructor(commands: RedisCommands) {
    this.#commands = commands
  }

  /** Keeps one for `reason`. `fields`: names and values. */
  async add(dead: string, fields: readonly Uint8Array[], reason: string, maxLength: number): Promise<void> {
    const parts = [...fields.map((each) => Buffer.from(each)), 'reason', reason]
    await this.#commands.sendForBytes('XADD', dead, 'MAXLEN', maxLength, '*', ...parts)
  }

  async count(dead: string): Promise<number> {
    return Number(await this.#commands.send('XLEN', dead))
  }

  /** The oldest, of so many and so many bytes at most, but at least one. */
  async peek(dead: string, count: number, maxBytes: number): Promise<QueuePage> {
    const entries: QueueEntry[] = []
    let from = '-'
    let bytes = 0
    while (entries.length < count && bytes < maxBytes) {
      const found = entriesIn(await this.#range(dead, from, Math.min(CHUNK, count - entries.length)))
      if (found.length === 0) break
      for (const entry of found) {
        const length = [...entry.fields.values()].reduce((sum, value) => sum + value.length, 0)
        if (entries.length > 0 && bytes + length > maxBytes) return { entries, hasMore: true }
        bytes += length
        entries.push(entry)
      }
      from = `(${found.at(-1)!.id}`
    }
    return { entries, hasMore: (await this.count(dead)) > entries.length }
  }

  /** Deletes some of the oldest. Resolves to how many, and 1 if there may be others. */
  async purge(dead: string): Promise<[count: number, hasMore: number]> {
    const ids = (await this.#range(dead, '-', CHUNK)).map(([id]) => String(id))
    if (ids.length > 0) await this.#commands.send('XDEL', dead, ...ids)
    await this.deleteIfEmpty(dead)
    return [ids.length, ids.length === CHUNK ? 1 : 0]
  }

  /** Puts some of the oldest back into their queue, which holds `maxLength`. Resolves to how many, and 1 if there may be others. */
  async redrive(dead: string, stream: string, maxLength: number): Promise<[count: number, hasMore: number]> {
    const entries = await this.#range(dead, '-', CHUNK)
    if (entries.length === 0) return [0, 0]
    const args = entries.flatMap(([, fields]) => {
      const isMarked = String(fields.at(-2)) === 'reason'
      const rest = isMarked ? fields.slice(0, -2) : fields
      // A stream takes nothing without fields.
      const parts = rest.length > 0 ? rest.map((each) => Buffer.from(each)) : ['body', '']
      return [String(parts.length), ...parts]
    })
    const sendBytes: RedisCommands['sendForBytes'] = (name, ...rest) => this.#commands.sendForBytes(name, ...rest)
    const call = { keys: [stream], args: [String(maxLength), ...args] }
    const added = (await runScript({ send: sendBytes }, ENQUEUE, call)) as number[]
    const ids = entries.filter((_, i) => Number(added[i]) === 1).map(([id]) => String(id))
    if (ids.length > 0) await this.#commands.send('XDEL', dead, ...ids)
    await this.deleteIfEmpty(dead)
    return [ids.length, ids.length === CHUNK ? 1 : 0]
  }

  async deleteIfEmpty(dead: string): Promise<void> {
    await runScript(this.#commands, DELETE_EMPTY, { keys: [dead], args: [] })
  }

  async #range(dead: string, from: string, count: number): Promise<readonly Entry[]> {
    return (await this.#commands.sendForBytes('XRANGE', dead, from, '+', 'COUNT', count)) as readonly Entry[]
  }
}
