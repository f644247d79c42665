/** Publishes on a channel as a backend on Redis does, and shows exactly what goes there before it goes. */
import type { BridgeWatch } from '../api/bridge-watch.ts'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Select } from '../ui/select.tsx'
import { TextArea } from '../ui/text-area.tsx'
import { TextInput } from '../ui/text-input.tsx'
import type { PublishForm } from './backend-side.ts'
import { CommandLine } from './command-line.tsx'
import { redisPublish } from './commands.ts'
import { describeCodec } from './payload.ts'
import { fixedChannels } from './route-match.ts'

const CODECS = [
  { value: 'json-string', text: 'json-string' },
  { value: 'raw', text: 'raw' },
  { value: 'json', text: 'json' },
  { value: 'envelope', text: 'envelope' },
] as const

export interface PublishFormViewProps {
  readonly form: PublishForm
  readonly watch: BridgeWatch
}

export function PublishFormView({ form, watch }: PublishFormViewProps) {
  const { channel, text, choice, match, codec, encoded, outcome, isBusy } = form
  const bridge = watch.bridge.value
  const send = () => void form.send()
  const payload = 'payload' in encoded.value ? encoded.value.payload : undefined
  return (
    <>
      <div class="form-row">
        <TextInput
          label="Channel"
          value={channel}
          list={fixedChannels(bridge?.routes ?? [], 'inbound')}
          mono
          onEnter={send}
        />
        <Select
          label="Payload as"
          value={choice}
          options={[
            { value: 'route' as const, text: match.value ? `${match.value.route.codec} (route)` : 'raw (no route)' },
            ...CODECS,
          ]}
        />
      </div>
      <p class="goes-to" aria-live="polite">
        {match.value ? (
          <>
            Reaches subscribers of <code>{match.value.destination}</code>
          </>
        ) : (
          'No inbound route has this channel: no browser will see it. It is published all the same.'
        )}
      </p>
      <TextArea
        label="Message"
        value={text}
        rows={2}
        mono={codec.value !== 'json-string'}
        hint={describeCodec(codec.value)}
        error={'problem' in encoded.value ? encoded.value.problem : undefined}
        onCtrlEnter={send}
      />
      <div class="payload-preview">
        <span class="field-label">On the bus</span>
        <code>{payload ?? '—'}</code>
      </div>
      <div class="form-actions">
        <Button kind="primary" disabled={isBusy.value || payload === undefined} onClick={send}>
          Publish
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
      {payload !== undefined && bridge?.bus.kind === 'redis' && (
        <CommandLine title="The same with redis-cli" command={redisPublish(channel.value.trim(), payload)} />
      )}
    </>
  )
}
