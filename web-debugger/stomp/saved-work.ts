/** What a profile brings along besides how to reach a server: what to subscribe, and messages to send again. Pure. */
import type { HeaderRow } from '../ui/parse-header-rows.ts'
import { isSecretName, RENEW_DESTINATION } from './secrets.ts'

export interface SavedSubscription {
  readonly destination: string
  readonly ack: 'auto' | 'client' | 'client-individual'
  readonly headers: readonly HeaderRow[]
}

export interface SavedMessage {
  readonly destination: string
  readonly headers: readonly HeaderRow[]
  readonly bodyKind: 'text' | 'json' | 'hex' | 'base64'
  readonly text: string
}

/** More of them, or longer ones, belong into a program. */
const MAX_SUBSCRIPTIONS = 500
const MAX_MESSAGES = 20
const MAX_BODY = 65_536

type Fields = Readonly<Record<string, unknown>>
type ReadRows = (value: unknown) => readonly HeaderRow[]

/** Out of JSON that somebody else may have written; what is none, or too long, is left out: part of it is another one. */
export function readSubscriptions(value: unknown, readRows: ReadRows, maxLength: number): SavedSubscription[] {
  return itemsOf(value, MAX_SUBSCRIPTIONS).flatMap(({ destination, ack, headers }) => {
    if (typeof destination !== 'string' || destination === '' || destination.length > maxLength) return []
    const rows = readRows(headers)
    if (isPart(rows, headers)) return []
    const known = (['auto', 'client', 'client-individual'] as const).find((each) => each === ack) ?? 'auto'
    return [{ destination, ack: known, headers: rows }]
  })
}

export function readMessages(value: unknown, readRows: ReadRows, maxLength: number): SavedMessage[] {
  return itemsOf(value, MAX_MESSAGES).flatMap(({ destination, headers, bodyKind, text }) => {
    const kind = (['text', 'json', 'hex', 'base64'] as const).find((each) => each === bodyKind)
    if (typeof destination !== 'string' || typeof text !== 'string' || kind === undefined) return []
    const rows = readRows(headers)
    if (text.length > MAX_BODY || destination.length > maxLength || isPart(rows, headers)) return []
    return [{ destination, headers: rows, bodyKind: kind, text }]
  })
}

function isPart(rows: readonly HeaderRow[], given: unknown): boolean {
  return Array.isArray(given) && rows.length < given.length
}

function itemsOf(value: unknown, max: number): Fields[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, max).filter((each: unknown): each is Fields => typeof each === 'object' && each !== null)
}

/** Without the values of secret headers; `also` are names that are secret besides the usual ones. */
export function withoutSecretRows<T extends { readonly headers: readonly HeaderRow[] }>(
  items: readonly T[],
  also: readonly string[],
): T[] {
  return items.map((item) => ({
    ...item,
    headers: item.headers.map((row) => (isSecretName(row.name, also) ? { ...row, value: '' } : row)),
  }))
}

/** The body of a renewal is a token. */
export function withoutRenewals(messages: readonly SavedMessage[]): SavedMessage[] {
  return messages.filter(({ destination }) => destination.trim() !== RENEW_DESTINATION)
}
