/** The bar at the top: whose page this is, which view, and what helps. On a phone the views are at the bottom. */
import type { Signal } from '@preact/signals'
import type { BridgeWatch } from '../api/bridge-watch.ts'
import { Button } from '../ui/button.tsx'
import { Icon, type IconName } from '../ui/icon.tsx'
import { THEMES, type Preferences, type Theme } from './preferences.ts'
import { VIEWS, type View } from './view-address.ts'

const VIEW_NAMES: Readonly<Record<View, string>> = { client: 'Client', backend: 'Backend', bridge: 'Bridge' }
const THEME_ICONS: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' }
const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' }

export interface TopBarProps {
  readonly watch: BridgeWatch
  readonly preferences: Preferences
  readonly view: Signal<View>
  readonly isTourOpen: boolean
  readonly onTour: () => void
  readonly onShortcuts: () => void
}

export function TopBar({ watch, preferences, view, isTourOpen, onTour, onShortcuts }: TopBarProps) {
  const { theme } = preferences
  const nextTheme = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!
  return (
    <header class="top-bar">
      <div class="brand">
        <Logo />
        <span class="brand-name">stomp-bridge</span>
        {watch.about.value && <span class="brand-version">{watch.about.value.version}</span>}
        <BridgeState watch={watch} />
      </div>
      <ViewNav view={view} place="top" />
      <div class="top-actions">
        <Button kind="quiet" pressed={isTourOpen} onClick={onTour} title="Guided tour of the three flows">
          <Icon name="tour" />
          <span class="top-label">Tour</span>
        </Button>
        <Button
          kind="quiet"
          title={`Theme: ${THEME_NAMES[theme.value]}. Change to ${THEME_NAMES[nextTheme]}`}
          onClick={() => (theme.value = nextTheme)}
        >
          <Icon name={THEME_ICONS[theme.value]} />
        </Button>
        <Button kind="quiet" title="Keyboard shortcuts" onClick={onShortcuts}>
          <Icon name="keyboard" />
        </Button>
      </div>
    </header>
  )
}

export interface ViewNavProps {
  readonly view: Signal<View>
  /** Of the two only one is in sight, whichever fits the width. */
  readonly place: 'top' | 'bottom'
}

export function ViewNav({ view, place }: ViewNavProps) {
  return (
    <nav class={`view-nav view-nav-${place}`} aria-label="Views">
      {VIEWS.map((each) => (
        <button
          type="button"
          key={each}
          class="view-link"
          aria-current={each === view.value ? 'page' : undefined}
          onClick={() => (view.value = each)}
        >
          <Icon name={each} />
          {VIEW_NAMES[each]}
        </button>
      ))}
    </nav>
  )
}

function BridgeState({ watch }: { readonly watch: BridgeWatch }) {
  const { access, bridge } = watch
  const isAway = access.value === 'unreachable'
  const isBad = isAway || (bridge.value !== undefined && !bridge.value.ready.isReady)
  const text = isAway ? 'Bridge away' : bridge.value && (bridge.value.ready.isReady ? 'Ready' : 'Not ready')
  return (
    <span class={`bridge-state ${isBad ? 'is-bad' : ''}`} role="status">
      {text && (
        <>
          <span class="state-dot" aria-hidden="true" />
          <span class="bridge-state-text">{text}</span>
        </>
      )}
    </span>
  )
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M4 24h24M6 24v-9M26 24v-9M4 17c6 0 7-9 12-9s6 9 12 9M11 24v-9.500M21 24v-9.500M16 24V8" />
    </svg>
  )
}
