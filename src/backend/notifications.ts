/**
 * What goes to clients over the broadcast channel: the destination of a user's queue and of a group, and the JSON that
 * every bridge reads there. Pure text; publishing is the backend's.
 */
import { destinationProblem, encodeSegment, isPattern } from '../destinations.ts'
import { requireText, shown, toJson } from './checks.ts'

/** Returns the payload of a notification. Errors: throws a TypeError. */
export function notificationPayload(topic: string, message: unknown): string {
  requireText('Cannot notify', 'the topic', topic)
  const what = `Cannot notify ${shown(topic)}`
  if (!topic.startsWith('/')) throw new TypeError(`${what}: the topic must be a destination, such as /topic/news`)
  const problem = destinationProblem(topic)
  if (problem !== undefined) throw new TypeError(`${what}: ${problem}`)
  return `{"topic":${JSON.stringify(topic)},"message":${toJson(what, 'the message', message)}}`
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
