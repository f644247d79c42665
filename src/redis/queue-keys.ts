/** The names of the keys of a work queue in Redis: all in one slot of a Cluster, but for the dead. */
import { QUEUE_PREFIX } from '../bus/shared-bus.ts'
import type { RedisCommands } from './commands.ts'
import { tagOf } from './slots.ts'

export interface QueueKeys {
  readonly stream: string
  /** Of what could not be done, and how often. */
  readonly failures: string
  /** Of the nodes that have subscriptions. */
  readonly nodes: string
}

/** `stream`: as the queue calls it, without the prefix of keys. */
export function queueKeys(commands: Pick<RedisCommands, 'key'>, stream: string): QueueKeys {
  const name = commands.key(stream)
  const tag = tagOf(name)
  const of = tag === name ? `{${name}}` : `{${tag}}${name}` // several queues may have one tag
  const own = (what: string): string => commands.key(`${QUEUE_PREFIX}${of}:${what}`)
  return { stream: name, failures: own('failures'), nodes: own('nodes') }
}
