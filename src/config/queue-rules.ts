/** Owns what is wrong with work queues beside other settings: destinations that something else would feed or keep. */
import { patternMatches, patternMeetsTemplate } from '../destinations.ts'
import { isGroup } from './group.ts'
import type { Finding, SettingPath } from './problems.ts'

/** The settings that depend on each other, as they were given. */
export interface QueueSettings {
  readonly queues: readonly unknown[]
  readonly history: readonly unknown[]
  readonly inbound: readonly unknown[]
}

/** Returns what is wrong between these settings. */
export function queueFindings({ queues, history, inbound }: QueueSettings): Finding[] {
  const patterns = queuePatterns(queues)
  const find = (path: SettingPath, meets: (pattern: string) => boolean, why: string): Finding[] => {
    const index = patterns.findIndex((pattern) => pattern !== undefined && meets(pattern))
    const text = `must not meet queues[${index}], "${patterns[index]}": ${why}`
    return index < 0 ? [] : [{ path: [...path, 'destination'], text }]
  }
  return [
    ...history.flatMap((item, i) => {
      const destination = destinationIn(item)
      if (destination === undefined) return []
      const meets = (pattern: string): boolean => patternMatches(pattern, destination)
      return find(['history', i], meets, 'a work queue keeps its messages itself, until they are done')
    }),
    ...inbound.flatMap((item, i) => {
      const destination = destinationIn(item)
      if (destination === undefined) return []
      const meets = (pattern: string): boolean => patternMeetsTemplate(pattern, destination)
      return find(['routes', 'inbound', i], meets, 'every node would add what is published; XADD to its stream instead')
    }),
  ]
}

/** Is this destination a work queue by these rules? */
export function isOfQueue(queues: readonly unknown[], destination: string): boolean {
  return queuePatterns(queues).some((pattern) => pattern !== undefined && patternMeetsTemplate(pattern, destination))
}

function queuePatterns(queues: readonly unknown[]): (string | undefined)[] {
  return queues.map((item) => {
    const destination = destinationIn(item)
    return destination?.startsWith('/queue/') ? destination : undefined
  })
}

function destinationIn(item: unknown): string | undefined {
  const destination = isGroup(item) ? item['destination'] : undefined
  return typeof destination === 'string' ? destination : undefined
}
