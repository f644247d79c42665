/**
 * Sessions as those see them who look for a fault: the newest of those that were asked for. There may be a hundred
 * thousand, so the looking is done a part at a time, and everybody else has their turn between.
 */
import type { SessionsQuery, SessionsView, SessionView } from '../inspection.ts'
import type { Session } from './session.ts'

/** Subscriptions that are shown of a session. */
const MAX_SUBSCRIPTIONS = 20
/** Sessions, and subscriptions where they are searched, that are looked at in one turn of the event loop. */
const PER_TURN = 2000

/** Gives the sessions that the query means, as they are when each is looked at. */
export async function viewSessions(open: Iterable<Session>, { limit, search }: SessionsQuery): Promise<SessionsView> {
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

function matches({ sessionId, identity, remoteAddress, subscriptions }: Session, text: string): boolean {
  if (sessionId.includes(text) || identity.user?.includes(text) || remoteAddress.includes(text)) return true
  for (const { broker } of subscriptions) if (broker.destination.includes(text)) return true
  return false
}

function viewSession(session: Session): SessionView {
  const shown: SessionView['subscriptions'][number][] = []
  for (const { broker, ackMode } of session.subscriptions) {
    if (shown.length === MAX_SUBSCRIPTIONS) break
    shown.push({ id: broker.id ?? null, destination: broker.destination, ack: ackMode })
  }
  return {
    id: session.sessionId,
    user: session.identity.user ?? null,
    remoteAddress: session.remoteAddress,
    transport: session.transport,
    version: session.agreedVersion ?? null,
    openedAt: session.openedAtMs,
    unsentBytes: session.unsentBytes,
    framesReceived: session.framesReceived,
    subscriptions: shown,
    subscriptionCount: session.subscriptions.size,
  }
}
