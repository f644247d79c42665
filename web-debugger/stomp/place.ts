/**
 * Where a message, or a subscription, is in the history of its destination: what the headers say, how a subscription
 * asks to go on, and both in words. Pure.
 */
import type { Frame, Header } from '../../frames/index.ts'

export interface Place {
  readonly offset: string
  readonly epoch: string
}

/** The first frame of a subscription that asks, or a later one that says that something is missing. */
export interface Marker extends Partial<Place> {
  /** Messages that follow from the history. */
  readonly count: number
  /** Undefined where nothing was to be recovered. */
  readonly isRecovered: boolean | undefined
  /** Undefined where the server does not know. */
  readonly missed: number | undefined
}

/** What a MESSAGE says of the history. */
export interface Origin extends Partial<Place> {
  readonly marker: Marker | undefined
  /** It was there before the subscription. */
  readonly isRetained: boolean
}

/** Undefined if it says nothing of a history. */
export function originOf({ headers, body }: Frame): Origin | undefined {
  const [offset, epoch] = [headers.get('offset'), headers.get('epoch')]
  const isRetained = headers.get('retained') === 'true'
  const count = wholeNumber(headers.get('count'))
  // An application may send such headers too, but not without a body.
  const isMarker = headers.get('event') === 'position' && count !== undefined && body.length === 0
  if (offset === undefined && !isRetained && !isMarker) return undefined
  const place = { ...(offset !== undefined && { offset }), ...(epoch !== undefined && { epoch }) }
  const recovered = headers.get('recovered')
  const marker = isMarker
    ? {
        ...place,
        count,
        isRecovered: recovered === undefined ? undefined : recovered === 'true',
        missed: wholeNumber(headers.get('missed')),
      }
    : undefined
  return { ...place, marker, isRetained }
}

/** Undefined if it is none: any server may send anything. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** `at 1767225600000-42, 3 follow, recovered`. */
export function markerWords(marker: Marker, left?: number): string {
  const outcome = outcomeWords(marker, left)
  if (marker.offset === undefined) return outcome
  return outcome === '' ? `at ${marker.offset}` : `at ${marker.offset}, ${outcome}`
}

/** `3 follow, not recovered, 5 missed`; empty if there is nothing to say. */
export function outcomeWords({ count, isRecovered, missed }: Marker, left = count): string {
  const parts: string[] = []
  if (left > 0) parts.push(`${left.toLocaleString('en')} follow${left === 1 ? 's' : ''}`)
  if (isRecovered === true) parts.push('recovered')
  if (isRecovered === false) parts.push('not recovered')
  if (missed !== undefined) parts.push(`${missed.toLocaleString('en')} missed`)
  return parts.join(', ')
}

const ASK_NAMES: readonly string[] = ['since', 'epoch', 'since-time', 'last']

/** Do these headers of a SUBSCRIBE ask for something of the history? */
export function isAsking(headers: readonly Header[]): boolean {
  return headers.some(([name]) => ASK_NAMES.includes(name))
}

export function withoutAsk(headers: readonly Header[]): Header[] {
  return headers.filter(([name]) => !ASK_NAMES.includes(name))
}

export function sincePlace({ offset, epoch }: Place): Header[] {
  return [
    ['since', offset],
    ['epoch', epoch],
  ]
}

/** How somebody asks; `resume` is from where the page was. */
export type AskKind = 'now' | 'last' | 'time' | 'since' | 'resume'

/** What is in the form. */
export interface AskForm {
  readonly kind: AskKind
  readonly count: string
  /** As `<input type="datetime-local">` has it. */
  readonly time: string
  readonly offset: string
  readonly epoch: string
}

/**
 * The headers, or what is wrong.
 *
 * known: where the page was at this destination.
 */
export function readAsk(form: AskForm, destination: string, known: Place | undefined): Header[] | string {
  if (form.kind === 'now') return []
  // A pattern is of many destinations, each with offsets of its own.
  if (/[*?]/.test(destination)) return 'A pattern has no history of its own: name one destination'
  if (form.kind === 'last') {
    const count = form.count.trim()
    return /^\d{1,7}$/.test(count) ? [['last', count]] : 'How many? A whole number, 0 or more'
  }
  if (form.kind === 'time') {
    const ms = new Date(form.time).getTime()
    return Number.isNaN(ms) || ms < 0 ? 'Enter a date and a time' : [['since-time', `${ms}`]]
  }
  if (form.kind === 'resume') return known ? sincePlace(known) : `No offset of ${destination} was seen here yet`
  const place = { offset: form.offset.trim(), epoch: form.epoch.trim() }
  if (!/^\d{1,20}(-\d{1,20})?$/.test(place.offset)) return 'Enter an offset, such as 1767225600000-42'
  return place.epoch === '' ? 'Enter the epoch of that message too' : sincePlace(place)
}

/** As `<input type="datetime-local">` takes it, in the time of this computer. */
export function localTime(atMs: number): string {
  const shifted = new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 19)
}
