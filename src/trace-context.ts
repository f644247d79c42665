/**
 * W3C Trace Context, as text: `traceparent` names the trace and the span that something belongs to, `tracestate` is what
 * tracing systems add. It comes from anybody, so it is read here, once, and what is not well formed is as if it were not there.
 */

/** What a request or message brings of its trace; both well formed. */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate: string | undefined
}

export const TRACEPARENT = 'traceparent'
export const TRACESTATE = 'tracestate'

const IDS = '(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}'
/** Of a later version it is known how it begins. */
const PARENT = new RegExp(`^(?:00-${IDS}|(?!00|ff)[0-9a-f]{2}-${IDS}(?:-[!-~]{0,72})?)$`)

/** What everybody has to pass on at least; who sends more gets none of it passed on. */
const MAX_STATE = 512
const MAX_STATE_MEMBERS = 32
const STATE_MEMBER = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/** Returns what these two say; undefined where that is nothing, or not well formed. They may be of any type. */
export function readTrace(traceparent: unknown, tracestate?: unknown): TraceContext | undefined {
  if (traceparent === undefined || !isTraceparent(traceparent)) return undefined
  return { traceparent, tracestate: isTracestate(tracestate) ? tracestate : undefined }
}

/** Returns it as headers of a message or of a request. */
export function traceHeaders({ traceparent, tracestate }: TraceContext): (readonly [name: string, value: string])[] {
  const parent = [TRACEPARENT, traceparent] as const
  return tracestate === undefined ? [parent] : [parent, [TRACESTATE, tracestate]]
}

/** Is this a header of the two that is not well formed? Then nobody is to get it. */
export function isBrokenTrace(name: string, value: string): boolean {
  return name === TRACEPARENT ? !isTraceparent(value) : name === TRACESTATE && !isTracestate(value)
}

/** Returns the id of the trace, 32 hexadecimal digits. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 35)
}

function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && PARENT.test(value)
}

function isTracestate(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_STATE) return false
  const members = value.split(',')
  return members.length <= MAX_STATE_MEMBERS && members.every(isStateMember)
}

/** W3C Trace Context 3.3.1.1: there may be empty ones, and spaces around each. */
function isStateMember(member: string): boolean {
  const text = member.trim()
  return text === '' || STATE_MEMBER.test(text)
}
