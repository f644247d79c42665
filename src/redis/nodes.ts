/**
 * Which bridges are on a Redis, by what the server knows: every bridge names its connections after itself, and
 * subscribes to a channel of its own below the key prefix, which tells bridges of one prefix from those of another.
 */
import type { BusNode } from '../bus/bus.ts'

/** Every bridge probes on a channel of its own below this name. */
export const PROBE_PREFIX = 'stomp-bridge:probe:'

const ANSWER_TIMEOUT_MS = 1000

/** Sends one command. */
export type SendCommand = (name: string, ...args: string[]) => Promise<unknown>

export function connectionName(nodeId: string, role: string): string {
  return `stomp-bridge-${nodeId}-${role}`
}

/**
 * `everywhere`: one for each server. Returns the bridges with this key prefix, of which the asking one must be one; undefined when the server refuses to say,
 * or does not in time.
 */
export async function findNodes(
  everywhere: readonly SendCommand[],
  keyPrefix: string,
  ownId: string,
): Promise<readonly BusNode[] | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS)
  })
  // A refusal by the server's access rules is nothing to report: the question is asked again and again.
  const asking = Promise.all(everywhere.map((send) => askNodes(send, keyPrefix))).then(
    (lists) => lists.flat(),
    () => undefined,
  )
  const nodes = await Promise.race([asking, late]).finally(() => clearTimeout(timer))
  return nodes?.some(({ id }) => id === ownId) ? nodes : undefined
}

async function askNodes(send: SendCommand, keyPrefix: string): Promise<readonly BusNode[]> {
  const nodes = readClients(String(await send('CLIENT', 'LIST', 'TYPE', 'pubsub')))
  if (nodes.length === 0) return nodes
  const channels = nodes.map(({ id }) => `${keyPrefix}${PROBE_PREFIX}${id}`)
  const counts = (await send('PUBSUB', 'NUMSUB', ...channels)) as readonly unknown[]
  // A list of channel, number, channel, number …
  return nodes.filter((_, i) => Number(counts[i * 2 + 1]) > 0)
}

/** Lines of `key=value key=value …`, as CLIENT LIST writes them. */
function readClients(list: string): BusNode[] {
  return list.split('\n').flatMap((line) => {
    const fields = new Map(line.split(' ').map((field): [string, string] => splitAt(field, field.indexOf('='))))
    const id = /^stomp-bridge-([0-9a-z]+)-subscriber$/.exec(fields.get('name') ?? '')?.[1]
    if (id === undefined) return []
    return [{ id, address: fields.get('addr') ?? '', ageSeconds: Number(fields.get('age') ?? 0) }]
  })
}

function splitAt(text: string, index: number): [string, string] {
  return [text.slice(0, index), text.slice(index + 1)]
}
