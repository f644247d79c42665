/**
 * Where the master is, by the Sentinels that watch it. All are asked at once, and the newest of what a majority says counts,
 * so that one that was cut off from the others cannot send us to an old master.
 */
import { parseRedisNode, SENTINEL_PORT, type RedisNode } from '../config.ts'
import { askMost, askOnce } from './ask-once.ts'
import { Connection } from './connection.ts'
import { optionsFor, type RedisOptions } from './options.ts'
import { errorText, isReply } from './replies.ts'

const CHANNEL = '+switch-master'

interface Opinion {
  readonly master: RedisNode
  /** Rises with each failover. */
  readonly epoch: number
}

/** Returns the options with a way to find the master, where Sentinels know it; else as they are. */
export function located(options: RedisOptions): RedisOptions {
  return hasSentinels(options) ? { ...options, locate: () => findMaster(options) } : options
}

export function hasSentinels({ sentinels = [] }: RedisOptions): boolean {
  return sentinels.length > 0
}

/** Resolves to where the master is. Rejects with what each Sentinel said, if none knows it. */
export async function findMaster(options: RedisOptions): Promise<RedisNode> {
  const ask = (sentinel: RedisNode): Promise<Opinion> =>
    askOnce(optionsOf(options, sentinel), 'stomp-bridge', (client) =>
      opinionBy((...words) => client.call('SENTINEL', ...words), options.masterName ?? ''),
    )
  const { master } = await askMost(nodesOf(options), ask, ({ epoch }) => epoch).catch((cause: unknown) => {
    throw new Error(`no Sentinel knows the master: ${errorText(cause)}`, { cause })
  })
  return master
}

async function opinionBy(ask: (...words: string[]) => Promise<unknown>, name: string): Promise<Opinion> {
  try {
    // A list of name, value, name, value …
    const list = ((await ask('MASTER', name)) as readonly unknown[]).map(String)
    const value = new Map(list.flatMap((each, i) => (i % 2 === 0 ? [[each, list[i + 1] ?? ''] as const] : [])))
    const master = { host: value.get('ip') ?? '', port: Number(value.get('port')) }
    return { master, epoch: Number(value.get('config-epoch') ?? 0) }
  } catch (error) {
    if (!isReply(error) || !/NOPERM|unknown/i.test(error.message)) throw error
    // A user with few rights may ask no more than this.
    const [host, port] = ((await ask('GET-MASTER-ADDR-BY-NAME', name)) ?? []) as readonly string[]
    if (host === undefined) throw new Error(`there is no master with the name "${name}"`, { cause: error })
    return { master: { host, port: Number(port) }, epoch: 0 }
  }
}

/** Hears from all Sentinels when there is another master. */
export class SentinelWatch {
  readonly #options: RedisOptions
  readonly #connections: Connection[]
  #timer: ReturnType<typeof setInterval> | undefined

  /** `onSwitch`: there may be another master. Synchronous, and must not throw. */
  constructor(options: RedisOptions, name: string, onSwitch: () => void) {
    this.#options = options
    this.#connections = nodesOf(options).map((sentinel) => {
      const connection = new Connection(optionsOf(options, sentinel), name, {
        onReady() {
          connection.settled()
          // What was said while this one was away has not been heard.
          connection.client.subscribe(CHANNEL).then(onSwitch, () => {})
        },
        onFailure: () => {}, // who connects to the master is told
        onClosed: () => {},
        onUnwantedPassword: () => {},
      })
      connection.client.on('message', (_channel: string, text: string) => {
        if (text.split(' ', 1)[0] === options.masterName) onSwitch()
      })
      return connection
    })
  }

  start(): void {
    for (const connection of this.#connections) connection.start()
    // Sentinels are silent as long as nothing happens; a connection without traffic counts as dead.
    this.#timer = setInterval(() => {
      for (const { client, isReady } of this.#connections) if (isReady) client.ping().catch(() => {})
    }, this.#options.probeIntervalMs)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const connection of this.#connections) connection.close()
  }
}

function nodesOf({ sentinels = [] }: RedisOptions): RedisNode[] {
  return sentinels.map((text) => parseRedisNode(text, SENTINEL_PORT))
}

function optionsOf(options: RedisOptions, sentinel: RedisNode): RedisOptions {
  const { sentinelUsername, sentinelPassword, sentinelTls = false, tls } = options
  return {
    ...optionsFor(options, sentinel),
    username: sentinelUsername,
    password: sentinelPassword,
    db: undefined,
    tls: { ...tls, enabled: sentinelTls },
  }
}
