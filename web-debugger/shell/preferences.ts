/** What the page remembers of how it is used: theme, shortcuts. Secrets are elsewhere. */
import { effect, signal, type Signal } from '@preact/signals'
import type { KeyValueStore } from '../stomp/environment.ts'
import { keep } from './storage.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export interface Preferences {
  readonly theme: Signal<Theme>
  /** Do single keys, without Ctrl or Cmd, do something? */
  readonly hasSingleKeys: Signal<boolean>
}

const PREFIX = 'stomp-bridge.'

export function createPreferences(storage: KeyValueStore): Preferences {
  const read = <T extends string>(name: string, values: readonly T[]): T => {
    const stored = storage.getItem(PREFIX + name)
    return values.find((value) => value === stored) ?? values[0]!
  }
  const preferences: Preferences = {
    theme: signal(read('theme', THEMES)),
    hasSingleKeys: signal(read('single-keys', ['on', 'off']) === 'on'),
  }
  effect(() => void keep(storage, `${PREFIX}theme`, preferences.theme.value))
  effect(() => void keep(storage, `${PREFIX}single-keys`, preferences.hasSingleKeys.value ? 'on' : 'off'))
  return preferences
}
