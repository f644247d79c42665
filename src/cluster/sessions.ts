/**
 * The sessions of all nodes: who is there, and how one of them is ended. Nothing of it is stored: every node answers for
 * its own sessions when it is asked, so nothing is forgotten, and nobody is listed who is gone.
 */
import * as z from 'zod'
import type { Answers, Cluster } from './cluster.ts'
import { addUp, firstAfter } from './first-names.ts'
import type { LocalSessions, SessionFacts, UserCount } from './local-sessions.ts'
import { isText, text } from './messages.ts'

/** Users in one page at most. */
export const MAX_PAGE = 1000

const count = z.int().min(0)
const nothing = z.never()
const userCount = z.tuple([text, count])

const CLOSE = { name: 'close-session', asked: text, head: z.boolean(), item: nothing, isDeed: true }
const CLOSE_USER = { name: 'close-user', asked: text, head: count, item: nothing, isDeed: true }
const USER = { name: 'user', asked: text, head: z.null(), item: z.tuple([text, text, count]) }
const USERS = {
  name: 'users',
  asked: z.object({
    after: text.optional(),
    limit: z
      .int()
      .min(1)
      .max(MAX_PAGE + 1),
  }),
  head: z.null(),
  item: userCount,
}
const PRESENCE = { name: 'presence', asked: text, head: count, item: userCount }

export interface UserSession extends Omit<SessionFacts, 'user'> {
  readonly node: string
}

export interface UserPage {
  /** Sorted by name, in the order of UTF-16 code units. */
  readonly users: readonly UserCount[]
  /** Where the next page begins, as `after`; undefined if there is none. */
  readonly next: string | undefined
}

export interface DestinationPresence {
  /** Anonymous ones too. */
  readonly sessions: number
  readonly users: readonly UserCount[]
}

/** All methods reject with BusUnavailableError when other nodes cannot be asked. */
export class ClusterSessions {
  readonly #cluster: Cluster
  readonly #local: LocalSessions

  constructor(cluster: Cluster, local: LocalSessions) {
    this.#cluster = cluster
    this.#local = local
    cluster.answer(CLOSE, (id) => ({ head: local.close(id), items: [] }))
    cluster.answer(CLOSE_USER, (user) => ({ head: local.closeUser(user), items: [] }))
    cluster.answer(USER, (user) => ({
      head: null,
      items: [...local.sessionsOf(user)].map(({ id, address, connectedAt }): [string, string, number] => [
        id,
        address,
        Math.floor(connectedAt),
      ]),
    }))
    cluster.answer(USERS, ({ after, limit }) => ({
      head: null,
      items: firstAfter(listed(local.users()), after, limit).map(toTuple),
    }))
    cluster.answer(PRESENCE, (destination) => {
      const subscribers = [...local.subscribers(destination)]
      const named = subscribers.flatMap(({ user }) => (isListed(user) ? [[{ user, sessions: 1 }]] : []))
      return { head: subscribers.length, items: addUp(named).map(toTuple) }
    })
  }

  /** False if no node has a session of this id. One of this node ends also when the bus is away. */
  async closeSession(id: string): Promise<boolean> {
    if (this.#local.close(id)) return true
    const { byNode } = await this.#cluster.ask(CLOSE, id)
    return [...byNode.values()].some(({ head }) => head)
  }

  /** Returns how many there were. */
  async closeUserSessions(user: string): Promise<number> {
    return sum(await this.#cluster.ask(CLOSE_USER, user))
  }

  /** Returns the sessions of this user, oldest first. */
  async user(name: string): Promise<UserSession[]> {
    const { byNode } = await this.#cluster.ask(USER, name)
    return [...byNode]
      .flatMap(([node, { items }]) => items.map(([id, address, connectedAt]) => ({ id, node, address, connectedAt })))
      .sort((a, b) => a.connectedAt - b.connectedAt)
  }

  /** Returns the next so many users behind that name, at most {@link MAX_PAGE}: each node answers its own next ones. */
  async users({ limit, after }: { readonly limit: number; readonly after?: string | undefined }): Promise<UserPage> {
    const asked = { limit: limit + 1, ...(after === undefined ? {} : { after }) }
    const { byNode } = await this.#cluster.ask(USERS, asked)
    const all = addUp([...byNode.values()].map(({ items }) => items.map(fromTuple)))
    const users = all.slice(0, limit)
    return { users, next: all.length > limit ? users.at(-1)!.user : undefined }
  }

  async presence(destination: string): Promise<DestinationPresence> {
    const answers = await this.#cluster.ask(PRESENCE, destination)
    const users = addUp([...answers.byNode.values()].map(({ items }) => items.map(fromTuple)))
    return { sessions: sum(answers), users }
  }
}

function sum<Item>({ byNode }: Answers<number, Item>): number {
  return [...byNode.values()].reduce((total, { head }) => total + head, 0)
}

function toTuple({ user, sessions }: UserCount): [string, number] {
  return [user, sessions]
}

function fromTuple([user, sessions]: [string, number]): UserCount {
  return { user, sessions }
}

/**
 * A user whose name is longer than nodes hand on is not listed: one such name would make the whole answer unreadable.
 */
function isListed(user: string | undefined): user is string {
  return user !== undefined && isText(user)
}

function* listed(users: Iterable<UserCount>): Generator<UserCount> {
  for (const each of users) if (isListed(each.user)) yield each
}
