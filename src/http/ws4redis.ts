/**
 * Owns what the query of a django-websocket-redis URL asks for: `subscribe-broadcast`, `publish-user` and the like, one
 * flag per audience and direction, several at once; and `echo`.
 */
import type { Identity } from '../access/identity.ts'
import type { ChannelTarget } from '../client/plans.ts'
import { encodeSegment } from '../destinations.ts'

export interface Ws4RedisAsk {
  readonly destinations: readonly string[]
  readonly publishTo: readonly ChannelTarget[]
  readonly isEcho: boolean
}

/** What one audience is to one client: what it subscribes, and where a message to it goes. */
interface Audience {
  readonly destination: string
  readonly target: ChannelTarget
}

/** Returns what a client asks for. `facility`: as a segment of a destination; `session`: the id of its session. */
export function ws4redisAsk(
  query: Readonly<Record<string, string>>,
  facility: string,
  { user, groups = [] }: Identity,
  session: string,
): Ws4RedisAsk {
  const has = (flag: string): boolean => Object.hasOwn(query, flag)
  const own = encodeSegment(session)
  const audiences: Readonly<Record<string, readonly Audience[]>> = {
    broadcast: [audience(`/topic/${facility}`, `/topic/${facility}`, `broadcast:${facility}`)],
    user: user === undefined ? [] : [ofUser(encodeSegment(user), facility)],
    group: groups.map((group) => ofGroup(encodeSegment(group), facility)),
    session: [
      audience(`/session/queue/${facility}`, `/session/${own}/queue/${facility}`, `session:${own}:${facility}`),
    ],
  }
  const asked = (direction: string): Audience[] =>
    Object.entries(audiences).flatMap(([name, all]) => (has(`${direction}-${name}`) ? all : []))
  return {
    destinations: asked('subscribe').map(({ destination }) => destination),
    publishTo: asked('publish').map(({ target }) => target),
    isEcho: has('echo'),
  }
}

function ofUser(user: string, facility: string): Audience {
  return audience(`/user/queue/${facility}`, `/user/${user}/queue/${facility}`, `user:${user}:${facility}`)
}

function ofGroup(group: string, facility: string): Audience {
  return audience(`/group/${group}/${facility}`, `/group/${group}/${facility}`, `group:${group}:${facility}`)
}

function audience(destination: string, internal: string, channel: string): Audience {
  return { destination, target: { destination: internal, channel } }
}
