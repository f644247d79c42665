/** Compose a message and send it, once or often. Without STOMP: compose a WebSocket message. */
import { useSignal } from '@preact/signals'
import type { Connection } from '../stomp/connection.ts'
import type { Sender } from '../stomp/sender.ts'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { formatBytes } from '../ui/format.ts'
import { HeaderRows } from '../ui/header-rows.tsx'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { BodyEditor } from './body-editor.tsx'
import { RecentlySent } from './recently-sent.tsx'
import { RefusedSends } from './refused-sends.tsx'
import { SendOutcomeText } from './send-outcome.tsx'

export interface SendPanelProps {
  readonly connection: Connection
  readonly sender: Sender
  /** Destinations to propose. */
  readonly proposals: readonly string[]
  /** Shows a record in the console, by its number. */
  readonly onShow: (seq: number) => void
}

export function SendPanel({ connection, sender, proposals, onShow }: SendPanelProps) {
  const isOpen = useSignal(true)
  const isStomp = connection.current.value.mode === 'stomp'
  const send = () => void sender.send()
  return (
    <Panel title={isStomp ? 'Send a message' : 'Send a WebSocket message'} isOpen={isOpen}>
      {isStomp && (
        <TextInput
          label="Send to"
          value={sender.form.destination}
          placeholder="/app/greet"
          list={proposals}
          onEnter={send}
          mono
        />
      )}
      <BodyEditor form={sender.form} isStomp={isStomp} onCtrlEnter={send} />
      {sender.problem.value !== undefined && <Notice kind="error">{sender.problem.value}</Notice>}
      {sender.brokenLimit !== undefined && <Notice kind="warning">{sender.brokenLimit}</Notice>}
      <SendRow connection={connection} sender={sender} onSend={send} isStomp={isStomp} />
      <SendOutcomeText connection={connection} sender={sender} onShow={onShow} />
      <RefusedSends connection={connection} />
      {isStomp && (
        <details class="more">
          <summary>
            <Icon name="chevron" />
            Headers{sender.form.headers.value.length > 0 && ` (${sender.form.headers.value.length})`}
          </summary>
          <div class="more-body">
            <HeaderRows
              label="SEND headers"
              rows={sender.form.headers}
              hint="Paste a JSON object to fill in several."
            />
            <Checkbox
              label="Send content-length"
              value={sender.hasContentLength}
              hint="Without it some brokers take a message for text; its body must then have no NUL."
            />
          </div>
        </details>
      )}
      <details class="more">
        <summary>
          <Icon name="chevron" />
          Repeat
        </summary>
        <div class="more-body repeat-row">
          <TextInput label="How often" value={sender.times} type="number" />
          <TextInput label="Every, ms" value={sender.everyMs} type="number" hint="0: as fast as it goes" />
        </div>
      </details>
      <RecentlySent sender={sender} />
    </Panel>
  )
}

interface SendRowProps {
  readonly connection: Connection
  readonly sender: Sender
  readonly onSend: () => void
  readonly isStomp: boolean
}

function SendRow({ connection, sender, onSend, isStomp }: SendRowProps) {
  const progress = sender.progress.value
  const times = Number(sender.times.value)
  const open = connection.transactions.list.value.filter(({ state }) => state === 'open')
  const isConnected = connection.state.value === 'connected'
  return (
    <>
      {isStomp && (
        <div class="send-options">
          <Checkbox label="Ask for a receipt" value={sender.wantsReceipt} />
          {(open.length > 0 || sender.transaction.value !== '') && (
            <Select
              label="In transaction"
              value={sender.transaction}
              options={[
                { value: '', text: 'none' },
                ...open.map(({ id }) => ({ value: id, text: id })),
                ...(sender.transaction.value === '' || open.some(({ id }) => id === sender.transaction.value)
                  ? []
                  : [{ value: sender.transaction.value, text: `${sender.transaction.value} (over)` }]),
              ]}
            />
          )}
        </div>
      )}
      <div class="send-row">
        {progress ? (
          <>
            <Button kind="danger" onClick={() => sender.stop()}>
              <Icon name="stop" />
              Stop
            </Button>
            <span class="tabular" role="status">
              {progress.sent.toLocaleString('en')} of {progress.total.toLocaleString('en')}
            </span>
          </>
        ) : (
          <>
            <Button kind="primary" onClick={onSend} disabled={!isConnected}>
              {times > 1
                ? `Send ${times.toLocaleString('en')} times`
                : sender.brokenLimit
                  ? 'Send all the same'
                  : 'Send'}
            </Button>
            <span class="send-hint">{isConnected ? <kbd>Ctrl Enter</kbd> : 'Connect first'}</span>
            <FrameSizeText sender={sender} />
          </>
        )}
      </div>
    </>
  )
}

/** How much of what the server takes the frame would be. */
function FrameSizeText({ sender }: { readonly sender: Sender }) {
  const size = sender.size.value
  if (!size) return null
  const limit = sender.limits.value?.['maxFrameBytes']
  return (
    <span class="send-size tabular">
      Frame {formatBytes(size.bytes)}
      {limit !== undefined && ` of ${formatBytes(limit)}`}
    </span>
  )
}
