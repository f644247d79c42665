/** Subscriptions by what their destinations begin with, and those that somebody searches for. Pure. */
import type { SubscriptionEntry } from '../stomp/subscriptions.ts'

export interface SubscriptionGroup {
  /** Up to the last slash or dot, that one too; all of a name without. */
  readonly prefix: string
  readonly entries: readonly SubscriptionEntry[]
}

/** In the order of the first of each. */
export function groupByPrefix(entries: readonly SubscriptionEntry[]): SubscriptionGroup[] {
  const groups = new Map<string, SubscriptionEntry[]>()
  for (const entry of entries) {
    const prefix = prefixOf(entry.destination)
    const group = groups.get(prefix)
    if (group) group.push(entry)
    else groups.set(prefix, [entry])
  }
  return [...groups].map(([prefix, group]) => ({ prefix, entries: group }))
}

function prefixOf(destination: string): string {
  const slash = destination.lastIndexOf('/')
  // `/topic/orders.eu.7` belongs to the other `orders.eu`.
  const end = Math.max(slash, destination.lastIndexOf('.'))
  return end > 0 ? destination.slice(0, end + 1) : destination
}

/** Those whose destination, or id, has all the words in it, in any case. */
export function searchSubscriptions(entries: readonly SubscriptionEntry[], text: string): readonly SubscriptionEntry[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length === 0) return entries
  return entries.filter(({ destination, id }) => {
    const name = `${destination} ${id}`.toLowerCase()
    return words.every((word) => name.includes(word))
  })
}
