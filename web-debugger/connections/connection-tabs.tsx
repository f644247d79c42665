/** The row of tabs, one for each connection. */
import { useEffect, useRef } from 'preact/hooks'
import type { ConnectionState } from '../stomp/line.ts'
import type { Workspace } from '../stomp/workspace.ts'
import { Tabs } from '../ui/tabs.tsx'

/** In a word, where it is not as it should be, or needs saying. */
const BADGES: Readonly<Record<ConnectionState, string | undefined>> = {
  idle: undefined,
  connecting: '…',
  connected: 'on',
  closing: '…',
  waiting: 'retry',
  closed: 'off',
}

export function ConnectionTabs({ workspace }: { readonly workspace: Workspace }) {
  const tabs = workspace.connections.value.map((connection) => ({
    id: connection.id,
    text: connection.title.value,
    badge: BADGES[connection.state.value],
  }))
  const row = useRef<HTMLDivElement>(null)
  const { activeId } = workspace
  useEffect(() => {
    row.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [activeId.value])
  return (
    <div class="connection-tabs" ref={row}>
      <Tabs
        label="Connections"
        tabs={tabs}
        selected={activeId}
        onClose={(id) => workspace.closeConnection(id)}
        onAdd={() => workspace.addConnection()}
      />
    </div>
  )
}
