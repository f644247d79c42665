/**
 * The channel of the bridge's own by which messages for one destination travel where nodes hear only what their clients
 * want, and the glob for those of a pattern. Pure; the broker decides who uses them.
 */
import { DESTINATION_PREFIX } from '../bus/bus.ts'
import { escapeGlob } from '../glob.ts'
import { patternSegments } from '../destinations.ts'

/** What all names begin with. In braces stands what decides about the slot of a cluster, as in the keys of a history. */
const START = `${DESTINATION_PREFIX}{`

/** The glob for the channels of all destinations. */
export const EVERY_DESTINATION = `${DESTINATION_PREFIX}*`

/** A pattern that no channel matches: does Redis take others than the one above? Its access rules allow patterns word by word. */
export const PROBE_PATTERN = `${DESTINATION_PREFIX}probe`

/** Returns the channel for messages to this (internal) destination. */
export function destinationChannel(destination: string): string {
  return `${START}${destination}}`
}

/** Returns a Redis glob for the channels of all destinations that the pattern may match, and maybe of more. */
export function destinationGlob(pattern: string): string {
  return `${START}${escapeGlob(literalStart(pattern))}*`
}

/** What everything begins with that the pattern matches. */
function literalStart(pattern: string): string {
  const segments = patternSegments(pattern)
  const first = segments.findIndex((segment) => /[*?]/.test(segment))
  const literal = segments.slice(0, first).join('/')
  const wild = segments[first]!
  // `**` may stand for nothing, and then the slash before it is not there.
  return wild === '**' ? literal : `${literal}/${wild.slice(0, wild.search(/[*?]/))}`
}
