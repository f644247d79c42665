/** What one node of a Redis Cluster says of all: which slots each master has, and the names by which the nodes are known. */
import { nodeText, type RedisNode } from '../config.ts'
import type { SendCommand } from './nodes.ts'
import { isReply } from './replies.ts'

export interface View {
  /** Rises with each failover. */
  readonly epoch: number
  /** First and last slot, and whose they are. */
  readonly ranges: readonly (readonly [first: number, last: number, node: RedisNode])[]
  /** By address, also of replicas: the host names of those that announce one beside it. */
  readonly hostnames: ReadonlyMap<string, string>
}

/** Address, port, id, and since Redis 7 what else is known, as names and values. */
type WrittenNode = readonly [host: string | null, port: number, id?: string, more?: unknown]

/** `host`: by which the node was reached. Rejects when the node has no slots, or does not say. */
export async function viewBy(send: SendCommand, host: string): Promise<View> {
  const list = (await send('CLUSTER', 'SLOTS')) as readonly (readonly [number, number, ...WrittenNode[]])[]
  if (list.length === 0) throw new Error('it has no slots')
  const info = String(await send('CLUSTER', 'INFO').catch(ignoreRefusal))
  const epoch = Number(/^cluster_current_epoch:(\d+)/m.exec(info)?.[1] ?? 0)
  const hostnames = new Map<string, string>()
  const ranges = list.map(([first, last, ...written]) => {
    const nodes = written.map((each) => {
      const more = namesAndValues(each[3])
      const node = nodeOf(each, more, host)
      const hostname = more.get('hostname')
      if (hostname) hostnames.set(nodeText(node), hostname)
      return node
    })
    return [Number(first), Number(last), nodes[0]!] as const
  })
  return { epoch, ranges, hostnames }
}

/** A node that does not know its own address means the one by which it was reached. */
function nodeOf([named, port]: WrittenNode, more: ReadonlyMap<string, string>, host: string): RedisNode {
  const known = named === '?' ? more.get('ip') : named
  return { host: known || host, port: Number(port) }
}

/** As a map, or as a list of name, value, name, value …, which older protocols have in its place. */
function namesAndValues(written: unknown): ReadonlyMap<string, string> {
  if (written instanceof Map) return new Map([...written].map(([name, value]) => [String(name), String(value)]))
  if (!Array.isArray(written))
    return new Map(Object.entries(written ?? {}).map(([name, value]) => [name, String(value)]))
  const list = written.map(String)
  return new Map(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? ''] as const] : [])))
}

/** What is refused is not known: nothing depends on it. */
export function ignoreRefusal(error: unknown): string {
  if (isReply(error)) return ''
  throw error
}
