/**
 * Sessions as those see them who look for a fault: the newest of those that were asked for. There may be a hundred
 * thousand, so the looking is done a part at a time, and everybody else has their turn between.
 */
import type { Client } from '../client/client.ts'
import type { SessionsQuery } from './inspection.ts'
import type { SessionsView, SessionView } from './schema.ts'

/** Subscriptions that are shown of a session. */
const MAX_SUBSCRIPTIONS = 20
/** Sessions, and subscriptions where they are searched, that are looked at in one turn of the event loop. */
const PER_TURN = 2000

/** Returns the sessions that the query means, as they are when each is looked at. */
export async function viewSessions(open: Iterable<Client>, { limit, search }: SessionsQuery): Promise<SessionsView> {
  const newestFirst = [...open].reverse()
  const sessions: SessionView[] = []
  let total = 0
  let looked = 0
  for (const session of newestFirst) {
    looked += search === '' ? 1 : 1 + session.subscriptions.size
    if (looked >= PER_TURN) {
      looked = 0
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    if (search !== '' && !matches(session, search)) continue
    total++
    if (sessions.length < limit) sessions.push(viewSession(session))
  }
  return { total, sessions }
}

function matches({ id, identity, remoteAddress, subscriptions }: Client, text: string): boolean {
  if (id.includes(text) || identity.user?.includes(text) || remoteAddress.includes(text)) return true
  for (const { destination } of subscriptions) if (destination.includes(text)) return true
  return false
}

function viewSession(session: Client): SessionView {
  const shown: SessionView['subscriptions'][number][] = []
  for (const { id, destination, ackMode } of session.subscriptions) {
    if (shown.length === MAX_SUBSCRIPTIONS) break
    shown.push({ id: id ?? null, destination, ack: ackMode })
  }
  return {
    id: session.id,
    user: session.identity.user ?? null,
    remoteAddress: session.remoteAddress,
    protocol: session.door.protocol,
    transport: session.transport,
    version: session.door.version ?? null,
    openedAt: session.openedAtMs,
    unsentBytes: session.unsentBytes,
    framesReceived: session.received,
    subscriptions: shown,
    subscriptionCount: session.subscriptions.size,
  }
}
