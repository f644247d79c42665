/** Headers of a message, whatever protocol it came by, and which of them only the server may set. */
import { isBrokenTrace, TRACEPARENT, TRACESTATE } from './trace-context.ts'

export type HeaderPair = readonly [name: string, value: string]

/** The first of this name counts (STOMP 1.2 "Repeated Header Entries"). */
export function headerOf(headers: readonly HeaderPair[], wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1]
}

/**
 * Headers that only the server may set on a MESSAGE: what a client or backend puts there is dropped.
 * `receipt` and `transaction` belong to the SEND frame itself (STOMP 1.2 "SEND").
 */
const RESERVED: ReadonlySet<string> = new Set([
  'destination',
  'message-id',
  'subscription',
  'ack',
  'content-length',
  'receipt',
  'transaction',
  'user-name',
  'dropped',
  // of history: a client remembers where it was by these
  'offset',
  'epoch',
  'retained',
  // of work queues
  'delivery-count',
  'redelivered',
])

/** What a name loses on its way: what a version cannot carry is left out of it, and some clients trim it. */
const LOSSY = /[\0\r\n:\s]/g

/** Would a subscriber of any version read this name as a reserved one? A forged `content-length` could end a frame early. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name) || (name.search(LOSSY) >= 0 && RESERVED.has(name.replace(LOSSY, '')))
}

/**
 * Returns the headers without those that only the server may set, and without a trace context that is not well formed;
 * nearly always there is none to leave out.
 */
export function withoutReserved(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  if (!headers.some(isForged)) return headers
  const kept = headers.filter((header) => !isForged(header))
  // W3C Trace Context 3.3: `tracestate` says nothing without the `traceparent` that it came with.
  const hasTrace = kept.some(([name]) => name === TRACEPARENT)
  return hasTrace ? kept : kept.filter(([name]) => name !== TRACESTATE)
}

/** Also not one that makes a message look like the marker of a position. */
function isForged([name, value]: HeaderPair): boolean {
  return isReserved(name) || (name === 'event' && value === 'position') || isBrokenTrace(name, value)
}
