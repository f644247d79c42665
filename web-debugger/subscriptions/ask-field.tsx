/** What a subscription gets first: nothing, or something of the history of its destination. */
import type { AskKind, Place } from '../stomp/place.ts'
import type { AskSignals } from '../stomp/subscribe-form.ts'
import { Icon } from '../ui/icon.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'

const WORDS: Readonly<Record<AskKind, string>> = {
  now: 'nothing, only what is new',
  last: 'the newest messages',
  time: 'what came after a time',
  since: 'what came after an offset',
  resume: 'from where I was',
}
const KINDS = Object.keys(WORDS) as AskKind[]

export interface AskFieldProps {
  readonly ask: AskSignals
  /** Where the page was at the destination that is typed in. */
  readonly known: Place | undefined
}

export function AskField({ ask, known }: AskFieldProps) {
  const kind = ask.kind.value
  return (
    <details class="more">
      <summary>
        <Icon name="chevron" />
        History: {WORDS[kind]}
      </summary>
      <div class="more-body">
        <Select
          label="What comes first"
          value={ask.kind}
          options={KINDS.map((value) => ({ value, text: WORDS[value] }))}
          hint={kind === 'resume' ? resumeHint(known) : undefined}
        />
        {kind === 'last' && <TextInput label="How many" value={ask.count} type="number" />}
        {kind === 'time' && (
          <TextInput label="After" value={ask.time} type="datetime-local" hint="In the time of this computer." />
        )}
        {kind === 'since' && (
          <div class="ask-place">
            <TextInput label="Offset" value={ask.offset} placeholder="1767225600000-42" mono />
            <TextInput label="Epoch" value={ask.epoch} placeholder="k3n9x2" mono />
          </div>
        )}
      </div>
    </details>
  )
}

function resumeHint(known: Place | undefined): string {
  if (known) return `After ${known.offset}, the offset seen last at this destination.`
  return 'After the offset seen last at the destination above, also before it was unsubscribed.'
}
