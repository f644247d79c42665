/**
 * The client's side of the page: the tabs of the connections; for the one that is shown its panels on the left and its
 * console on the right. Where there is no room for both it is one at a time.
 */
import { useSignal, type Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ConnectionCard } from './connections/connection-card.tsx'
import { ConnectionTabs } from './connections/connection-tabs.tsx'
import { Setup } from './connections/setup.tsx'
import { ConsolePanel } from './console/console-panel.tsx'
import type { Kept } from './kept/kept.ts'
import { SendPanel } from './send/send-panel.tsx'
import type { Layout } from './shell/layout.ts'
import { fillForm } from './stomp/profile-form.ts'
import { fromFragment, isProfileFragment } from './stomp/profile-link.ts'
import type { Tab, Workspace } from './stomp/workspace.ts'
import { SubscriptionsPanel } from './subscriptions/subscriptions-panel.tsx'
import { TransactionsPanel } from './transactions/transactions-panel.tsx'
import { Notice } from './ui/notice.tsx'
import { Separator } from './ui/separator.tsx'
import { Tabs, type Tab as TabOfPage } from './ui/tabs.tsx'

/** Characters of a URL that a notice has room for. */
const MAX_SHOWN_URL = 200

export interface ClientViewProps {
  readonly workspace: Workspace
  /** One more panel of the left column: the backend side. */
  readonly beside?: VNode | undefined
  readonly onTour?: (() => void) | undefined
  readonly kept?: Kept | undefined
  readonly layout: Layout
}

export function ClientView({ workspace, beside, onTour, kept, layout }: ClientViewProps) {
  const linked = useProfileLink(workspace)
  const areSettingsOpen = useSignal(false)
  const tab = workspace.activeTab.value
  const isBeginning = workspace.tabs.value.length === 1 && tab?.connection.state.value === 'idle'
  return (
    <div class="client">
      {!isBeginning && <ConnectionTabs workspace={workspace} />}
      {linked.value !== undefined && (
        <Notice kind={linked.value === '' ? 'warning' : 'info'} onDismiss={() => (linked.value = undefined)}>
          {linked.value === '' ? (
            'The link has no profile that can be read: it was cut, or changed. Ask for it again.'
          ) : (
            <>
              Filled in from a link: <span class="mono">{linked.value}</span> Look at the URL before you connect.
            </>
          )}
        </Notice>
      )}
      {tab && (
        <TabView key={tab.connection.id} {...{ workspace, tab, beside, onTour, kept, layout, areSettingsOpen }} />
      )}
    </div>
  )
}

interface TabViewProps extends ClientViewProps {
  readonly tab: Tab
  readonly areSettingsOpen: Signal<boolean>
}

function TabView({ workspace, tab, beside, onTour, kept, layout, areSettingsOpen }: TabViewProps) {
  const pane = useSignal<string>('console')
  const column = useSignal<string>('panels')
  const side = useRef<HTMLDivElement>(null)
  const isSettingUp = tab.isSettingUp.value
  const wasSettingUp = useRef(isSettingUp)
  useEffect(() => {
    const isLeft = wasSettingUp.current && !isSettingUp
    wasSettingUp.current = isSettingUp
    // The button that led here is gone; what to do next is to subscribe.
    if (isLeft && document.activeElement === document.body) side.current?.querySelector('input')?.focus()
  }, [isSettingUp])
  if (isSettingUp) {
    return <Setup workspace={workspace} tab={tab} areSettingsOpen={areSettingsOpen} onTour={onTour} kept={kept} />
  }
  const { connection, sender } = tab
  const { sideWidth } = layout
  const isStomp = connection.current.value.mode === 'stomp'
  const proposals = proposalsFor(workspace, tab)
  const show = (seq: number) => {
    pane.value = 'console'
    tab.console.show(seq)
  }
  // Where there is room for one thing at a time.
  const panes: readonly TabOfPage[] = [
    { id: 'console', text: 'Console' },
    ...(isStomp ? [{ id: 'subscribe', text: 'Subscribe', badge: countOf(connection.subscriptions.value.length) }] : []),
    { id: 'send', text: 'Send' },
    { id: 'status', text: 'Status' },
  ]
  // A connection without STOMP has no such pane.
  const shownPane = panes.some(({ id }) => id === pane.value) ? pane.value : 'console'
  return (
    <div
      class="workspace"
      data-pane={shownPane}
      data-column={column.value}
      style={sideWidth.value === undefined ? {} : { '--side-width': `${sideWidth.value}px` }}
    >
      <div class="workspace-panes">
        <Tabs label="Parts of the connection" tabs={panes} selected={pane} />
      </div>
      <div class="workspace-side" ref={side}>
        <ConnectionCard tab={tab} onShow={show} />
        {beside && (
          <div class="workspace-columns">
            <Tabs
              label="Side"
              tabs={[
                { id: 'panels', text: isStomp ? 'Subscribe and send' : 'Send' },
                { id: 'beside', text: 'Backend side' },
              ]}
              selected={column}
            />
          </div>
        )}
        <div class="workspace-panels" hidden={column.value !== 'panels'}>
          {isStomp && (
            <div class="workspace-subscribe">
              <SubscriptionsPanel
                connection={connection}
                form={tab.subscribeForm}
                proposals={proposals.subscribe}
                layout={layout}
              />
            </div>
          )}
          <div class="workspace-send">
            <SendPanel connection={connection} sender={sender} proposals={proposals.send} onShow={show} />
            {isStomp && <TransactionsPanel connection={connection} sender={sender} />}
          </div>
        </div>
        {beside && (
          <div class="workspace-beside" hidden={column.value !== 'beside'}>
            {beside}
          </div>
        )}
      </div>
      <Separator label="Width of the panels" width={sideWidth} pane="before" min={280} max={800} />
      <ConsolePanel tab={tab} detailWidth={layout.detailWidth} />
    </div>
  )
}

function countOf(count: number): string | undefined {
  return count === 0 ? undefined : String(count)
}

/** Destinations that somebody may well want: those of this bridge's own examples, and what was used before. */
function proposalsFor(workspace: Workspace, { connection, sender }: Tab) {
  const isOwn = connection.current.value.url === workspace.defaultUrl
  const recent = sender.recent.value.map(({ destination }) => destination)
  return {
    subscribe: isOwn ? ['/topic/greetings', '/topic/toast'] : [],
    send: [...new Set([...recent, ...(isOwn ? ['/app/greet', '/topic/greetings', '/topic/toast'] : [])])],
  }
}

/**
 * Takes the profile out of the page's address, once, and gives its URL; an empty one if it cannot be read. It connects
 * to nothing by itself.
 */
function useProfileLink(workspace: Workspace): Signal<string | undefined> {
  const linked = useSignal<string | undefined>(undefined)
  useEffect(() => {
    const take = () => {
      if (!isProfileFragment(location.hash)) return
      const profile = fromFragment(location.hash)
      history.replaceState(null, '', location.pathname + location.search)
      const active = workspace.active.value
      linked.value = profile?.url.slice(0, MAX_SHOWN_URL) ?? ''
      if (!profile) return
      if (active?.state.value === 'idle') fillForm(active.profile, profile)
      else workspace.addConnection(profile)
    }
    take()
    addEventListener('hashchange', take)
    return () => removeEventListener('hashchange', take)
  }, [])
  return linked
}
