/**
 * What a page keeps over a reload besides its frames: tabs, with what they are subscribed to and how they are filtered.
 * As text for the storage, without secrets. Pure.
 */
import { SHOW_ALL, type LogFilter } from '../stomp/log-filter.ts'
import { createProfile, readProfile, secretNames, withoutSecrets, type Profile } from '../stomp/profile.ts'
import { isSecretName } from '../stomp/secrets.ts'
import type { AckMode } from '../stomp/subscriptions.ts'

export interface KeptSubscription {
  readonly id: string
  readonly destination: string
  readonly ack: AckMode
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly isMuted: boolean
}

export type KeptFilter = Omit<LogFilter, 'muted'>

export interface KeptTab {
  /** Its frames are kept by this name. */
  readonly key: string
  /** What it was connected with, or would have been. */
  readonly profile: Profile
  /** What its form held, where that is something else. */
  readonly draft?: Profile | undefined
  readonly isSettingUp: boolean
  /** Was it connected, or about to be? */
  readonly wasConnected: boolean
  /** Does it need a secret that is not kept? */
  readonly lacksSecrets: boolean
  readonly subscriptions: readonly KeptSubscription[]
  readonly filter: KeptFilter
}

export interface KeptPage {
  readonly id: string
  /** Place of the tab that is shown. */
  readonly active: number
  readonly tabs: readonly KeptTab[]
}

/** More is nobody's work, and the storage of a browser is small. */
const MAX_TABS = 50
const MAX_SUBSCRIPTIONS = 1_000
const MAX_HEADERS = 100
/** Longer texts are left out: a text that was cut would mean something else. */
const MAX_LENGTH = 8_192

/** The profile and subscriptions of a tab without their secrets. */
export function withoutTabSecrets(
  profile: Profile,
  subscriptions: readonly KeptSubscription[],
): Pick<KeptTab, 'profile' | 'subscriptions' | 'lacksSecrets'> {
  const names = secretNames(profile)
  const plain = withoutSecrets(profile)
  return {
    profile: plain,
    lacksSecrets: JSON.stringify(plain) !== JSON.stringify({ ...profile, isSavingSecrets: false }),
    subscriptions: subscriptions.map((each) => ({
      ...each,
      headers: each.headers.filter(([name]) => !isSecretName(name, names)),
    })),
  }
}

export function writePage(page: KeptPage): string {
  return JSON.stringify({ version: 1, ...page })
}

/** Undefined where the text is none, or of another version. */
export function readPage(text: string | null): KeptPage | undefined {
  const page = parse(text)
  if (page?.['version'] !== 1 || typeof page['id'] !== 'string' || !Array.isArray(page['tabs'])) return undefined
  const tabs = page['tabs'].slice(0, MAX_TABS).flatMap((tab: unknown) => readTab(tab) ?? [])
  const active = typeof page['active'] === 'number' ? page['active'] : 0
  return { id: page['id'], active, tabs }
}

type Fields = Readonly<Record<string, unknown>>

function parse(text: string | null): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(text ?? 'null'))
  } catch {
    // Somebody else's, or cut: then the page begins anew.
    return undefined
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}

/** Undefined where it is none, or too long. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_LENGTH ? value : undefined
}

function readTab(value: unknown): KeptTab | undefined {
  const tab = fieldsOf(value)
  const profile = tab && readProfile(tab['profile'], createProfile(''))
  if (!profile || typeof tab['key'] !== 'string') return undefined
  const subscriptions = Array.isArray(tab['subscriptions']) ? (tab['subscriptions'] as unknown[]) : []
  return {
    key: tab['key'],
    profile,
    draft: readProfile(tab['draft'], createProfile('')),
    isSettingUp: tab['isSettingUp'] !== false,
    wasConnected: tab['wasConnected'] === true,
    lacksSecrets: tab['lacksSecrets'] === true,
    subscriptions: subscriptions.slice(0, MAX_SUBSCRIPTIONS).flatMap((each) => readSubscription(each) ?? []),
    filter: readFilter(fieldsOf(tab['filter']) ?? {}),
  }
}

function readSubscription(value: unknown): KeptSubscription | undefined {
  const given = fieldsOf(value)
  const id = textOf(given?.['id'])
  const destination = textOf(given?.['destination'])
  const headers = readHeaders(given?.['headers'] ?? [])
  if (!given || id === undefined || destination === undefined || !headers) return undefined
  const acks: readonly AckMode[] = ['auto', 'client', 'client-individual']
  return {
    id,
    destination,
    ack: acks.find((ack) => ack === given['ack']) ?? 'auto',
    headers,
    isMuted: given['isMuted'] === true,
  }
}

/** Undefined if one of them cannot be read: without that header it would be another subscription. */
function readHeaders(value: unknown): KeptSubscription['headers'] | undefined {
  if (!Array.isArray(value) || value.length > MAX_HEADERS) return undefined
  const headers: (readonly [string, string])[] = []
  for (const each of value as unknown[]) {
    const [name, text] = Array.isArray(each) ? [textOf(each[0]), textOf(each[1])] : []
    if (name === undefined || text === undefined) return undefined
    headers.push([name, text])
  }
  return headers
}

function readFilter(given: Fields): KeptFilter {
  const directions: readonly LogFilter['direction'][] = ['all', 'in', 'out']
  return {
    text: textOf(given['text']) ?? '',
    destination: textOf(given['destination']) ?? '',
    command: textOf(given['command']) ?? '',
    direction: directions.find((each) => each === given['direction']) ?? SHOW_ALL.direction,
    hasHeartBeats: given['hasHeartBeats'] !== false,
  }
}
