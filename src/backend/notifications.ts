/**
 * What goes to clients over the broadcast channel: the destination of a user's queue and of a group, and the JSON that
 * every bridge reads there. Pure text; publishing is the backend's.
 */
import { destinationProblem, encodeSegment, isPattern } from '../destinations.ts'
import { requireText, shown, toJson } from './checks.ts'

/** The trace that a message belongs to (W3C Trace Context), as the fields of an entry or the headers of an envelope have it. */
export interface MessageTrace {
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
}

/** Returns the payload of a notification. Errors: throws a TypeError. */
export function notificationPayload(topic: string, message: unknown, trace: MessageTrace = {}): string {
  requireText('Cannot notify', 'the topic', topic)
  const what = `Cannot notify ${shown(topic)}`
  if (!topic.startsWith('/')) throw new TypeError(`${what}: the topic must be a destination, such as /topic/news`)
  const problem = destinationProblem(topic)
  if (problem !== undefined) throw new TypeError(`${what}: ${problem}`)
  return `{"topic":${JSON.stringify(topic)},"message":${toJson(what, 'the message', message)}${traceMembers(what, trace)}}`
}

/** What of it is no trace context the bridge leaves out. */
function traceMembers(what: string, trace: MessageTrace): string {
  if (typeof trace !== 'object' || trace === null) throw new TypeError(`${what}: the trace must be an object`)
  let members = ''
  for (const name of ['traceparent', 'tracestate'] as const) {
    const value: unknown = trace[name]
    if (value === undefined) continue
    requireText(what, name, value)
    members += `,"${name}":${JSON.stringify(value)}`
  }
  return members
}

/** Returns the destination of a queue of one user. `destination`: `/queue/x`. Errors: throws a TypeError. */
export function userDestination(user: string, destination: string): string {
  requireText('Cannot notify a user', 'the user name', user)
  const what = `Cannot notify the user ${shown(user)}`
  requireText(what, 'the destination', destination)
  if (!/^\/queue(\/[^/]+)+$/.test(destination) || isPattern(destination)) {
    throw new TypeError(`${what}: the destination must have the form /queue/x, not ${shown(destination)}`)
  }
  return `/user/${encodeSegment(user)}${destination}`
}

/** Returns a destination of one group. `name`: what follows the group, such as `news`. Errors: throws a TypeError. */
export function groupDestination(group: string, name: string): string {
  requireText('Cannot notify a group', 'the name of the group', group)
  const what = `Cannot notify the group ${shown(group)}`
  requireText(what, 'the name', name)
  if (!/^[^/]+(\/[^/]+)*$/.test(name) || isPattern(name)) {
    throw new TypeError(`${what}: the name must have the form x or x/y, not ${shown(name)}`)
  }
  return `/group/${encodeSegment(group)}/${name}`
}
