/** Posts a notification, as a backend without Redis does. Works whether the debug API is on or not. */
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Select } from '../ui/select.tsx'
import { TextArea } from '../ui/text-area.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { ApiKeyField } from './api-key-field.tsx'
import type { NotificationForm } from './backend-side.ts'
import { CommandLine } from './command-line.tsx'
import { curlNotification } from './commands.ts'

const KINDS = [
  { value: 'text', text: 'Text' },
  { value: 'json', text: 'JSON value' },
] as const

export interface NotificationFormViewProps {
  readonly form: NotificationForm
  readonly topics: readonly string[]
}

export function NotificationFormView({ form, topics }: NotificationFormViewProps) {
  const { root, apiKey, isKeyWanted, topic, message, kind, problem, outcome, isBusy } = form
  const send = () => void form.send()
  const value: unknown =
    kind.value === 'json' && problem.value === undefined ? JSON.parse(message.value) : message.value
  return (
    <>
      {isKeyWanted.value && (
        <ApiKeyField
          apiKey={apiKey}
          isWrong={form.isKeyWrong.value}
          what="To post a notification it takes the scope publish:"
        />
      )}
      <div class="form-row">
        <TextInput label="Topic" value={topic} list={topics} mono onEnter={send} />
        <Select label="Message is" value={kind} options={KINDS} />
      </div>
      <TextArea
        label="Message"
        value={message}
        rows={2}
        mono={kind.value === 'json'}
        error={problem.value}
        onCtrlEnter={send}
      />
      <div class="form-actions">
        <Button kind="primary" disabled={isBusy.value || problem.value !== undefined} onClick={send}>
          Post notification
        </Button>
      </div>
      {outcome.value && (
        <Notice
          key={outcome.value.attempt}
          kind={outcome.value.isOk ? 'success' : 'error'}
          onDismiss={() => (outcome.value = undefined)}
        >
          {outcome.value.text}
        </Notice>
      )}
      <CommandLine
        title="The same with curl"
        command={curlNotification(root.value, topic.value.trim(), value, isKeyWanted.value)}
      />
    </>
  )
}
