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
  readonly profile: Profile
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

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_LENGTH) : ''
}

function readTab(value: unknown): KeptTab | undefined {
  const tab = fieldsOf(value)
  const profile = tab && readProfile(tab['profile'], createProfile(''))
  if (!profile || typeof tab['key'] !== 'string') return undefined
  const subscriptions = Array.isArray(tab['subscriptions']) ? (tab['subscriptions'] as unknown[]) : []
  return {
    key: tab['key'],
    profile,
    isSettingUp: tab['isSettingUp'] !== false,
    wasConnected: tab['wasConnected'] === true,
    lacksSecrets: tab['lacksSecrets'] === true,
    subscriptions: subscriptions.slice(0, MAX_SUBSCRIPTIONS).flatMap((each) => readSubscription(each) ?? []),
    filter: readFilter(fieldsOf(tab['filter']) ?? {}),
  }
}

function readSubscription(value: unknown): KeptSubscription | undefined {
  const given = fieldsOf(value)
  if (typeof given?.['destination'] !== 'string' || typeof given['id'] !== 'string') return undefined
  const acks: readonly AckMode[] = ['auto', 'client', 'client-individual']
  const headers = Array.isArray(given['headers']) ? (given['headers'] as unknown[]) : []
  return {
    id: textOf(given['id']),
    destination: textOf(given['destination']),
    ack: acks.find((ack) => ack === given['ack']) ?? 'auto',
    headers: headers
      .slice(0, MAX_HEADERS)
      .flatMap((each) =>
        Array.isArray(each) && each.length === 2 ? [[textOf(each[0]), textOf(each[1])] as const] : [],
      ),
    isMuted: given['isMuted'] === true,
  }
}

function readFilter(given: Fields): KeptFilter {
  const directions: readonly LogFilter['direction'][] = ['all', 'in', 'out']
  return {
    text: textOf(given['text']),
    destination: textOf(given['destination']),
    command: textOf(given['command']),
    direction: directions.find((each) => each === given['direction']) ?? SHOW_ALL.direction,
    hasHeartBeats: given['hasHeartBeats'] !== false,
  }
}
