/** The row of tabs, one for each connection. */
import { useEffect, useRef } from 'preact/hooks'
import type { ConnectionState } from '../stomp/line.ts'
import type { Workspace } from '../stomp/workspace.ts'
import { Tabs } from '../ui/tabs.tsx'
import { troubleOf } from './silence.tsx'

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
  const titles = new Map<string, number>()
  const tabs = workspace.connections.value.map((connection) => ({
    id: connection.id,
    text: numbered(connection.title.value, titles),
    badge: troubleOf(connection) === undefined ? BADGES[connection.state.value] : 'silent',
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

/** From the second of its kind on with a number, so that tabs for one URL can be told apart. */
function numbered(title: string, seen: Map<string, number>): string {
  const count = (seen.get(title) ?? 0) + 1
  seen.set(title, count)
  return count === 1 ? title : `${title} (${count})`
}
