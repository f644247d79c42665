/** One button beside the console: Connect where nothing is there, else the way to end what is. */
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'

export function StateButton({ tab }: { readonly tab: Tab }) {
  const { connection } = tab
  const state = connection.state.value
  if (state === 'idle' || state === 'closed') {
    return (
      <Button kind="primary" onClick={() => tab.connect()}>
        Connect
      </Button>
    )
  }
  const words = { connecting: 'Stop', waiting: 'Stop', closing: 'Close now', connected: 'Disconnect' }
  return <Button onClick={() => connection.disconnect()}>{words[state]}</Button>
}
