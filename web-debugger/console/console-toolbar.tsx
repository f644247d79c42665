/** What the console shows: filters, pause and clear. A narrow console folds all filters but the first away. */
import { useSignal } from '@preact/signals'
import type { ConsoleModel } from '../stomp/console-model.ts'
import { Button } from '../ui/button.tsx'
import { Choice } from '../ui/choice.tsx'
import { Icon } from '../ui/icon.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'

const STOMP_COMMANDS = [
  'MESSAGE',
  'SEND',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'RECEIPT',
  'ERROR',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'CONNECT',
  'CONNECTED',
  'DISCONNECT',
]
const PLAIN_COMMANDS = ['TEXT', 'BINARY']

export function ConsoleToolbar({ model }: { readonly model: ConsoleModel }) {
  const areFiltersOpen = useSignal(false)
  const isPaused = model.isPaused.value
  return (
    <div class="console-toolbar" data-filters={areFiltersOpen.value ? 'open' : 'folded'}>
      <div class="console-search">
        <TextInput
          label="Filter by text"
          hideLabel
          value={model.text}
          type="search"
          placeholder="text  /regex/  -word  header:value  size>1k"
          error={model.query.value.problem}
        />
        <Button
          kind="quiet"
          title="More filters"
          pressed={areFiltersOpen.value}
          onClick={() => (areFiltersOpen.value = !areFiltersOpen.value)}
        >
          Filters
        </Button>
      </div>
      <Filters model={model} />
      <div class="console-actions">
        <Button
          kind="quiet"
          pressed={isPaused}
          title={isPaused ? 'Go on showing what comes' : 'Hold the list still; nothing is lost'}
          onClick={() => model.setPaused(!isPaused)}
        >
          <Icon name={isPaused ? 'play' : 'pause'} />
          <span class="console-word">{isPaused ? 'Resume' : 'Pause'}</span>
        </Button>
        <Button kind="quiet" title="Empty the log of this connection" onClick={() => model.clear()}>
          <Icon name="trash" />
          <span class="console-word">Clear</span>
        </Button>
      </div>
    </div>
  )
}

function Filters({ model }: { readonly model: ConsoleModel }) {
  const isStomp = model.connection.current.value.mode === 'stomp'
  const commands = isStomp ? STOMP_COMMANDS : PLAIN_COMMANDS
  return (
    <div class="console-filters">
      {isStomp && (
        <TextInput
          label="Filter by destination"
          hideLabel
          value={model.destination}
          type="search"
          placeholder="Destination"
        />
      )}
      <Select
        label="Filter by command"
        hideLabel
        value={model.command}
        options={[{ value: '', text: 'All commands' }, ...commands.map((value) => ({ value, text: value }))]}
      />
      <Choice
        label="Direction"
        value={model.direction}
        options={[
          { value: 'all', text: 'All' },
          { value: 'in', text: 'In' },
          { value: 'out', text: 'Out' },
        ]}
      />
      {isStomp && (
        <Button
          kind="quiet"
          pressed={!model.hasHeartBeats.value}
          onClick={() => (model.hasHeartBeats.value = !model.hasHeartBeats.value)}
        >
          Hide heart-beats
        </Button>
      )}
    </div>
  )
}
