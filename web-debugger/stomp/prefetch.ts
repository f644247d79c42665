/** The header by which a subscription of a work queue says how many messages it takes at a time. Pure. */
import type { Header } from '../../frames/index.ts'

/** What the bridge takes. */
const MAX_PREFETCH = 1000

/** The header, none for an empty field, or what is wrong. */
export function readPrefetch(text: string): Header[] | string {
  const count = text.trim()
  if (count === '') return []
  const isCount = /^\d{1,4}$/.test(count) && Number(count) >= 1 && Number(count) <= MAX_PREFETCH
  return isCount ? [['prefetch-count', count]] : 'How many at a time? A whole number, 1 to 1,000'
}
