/** One line of the console. Plain: a thousand of them may come in a second. */
import type { AckState } from '../stomp/acknowledgements.ts'
import { previewOf, RecordKind, undisguised, type Direction, type FrameRecord } from '../stomp/frame-record.ts'
import type { LogQuery } from '../stomp/log-query.ts'
import { outcomeWords, type Marker } from '../stomp/place.ts'
import { redeliveryWords, type Redelivery } from '../stomp/redelivery.ts'
import { maskRaw } from '../stomp/secrets.ts'
import type { SoftError } from '../stomp/soft-errors.ts'
import type { SubscriptionEntry } from '../stomp/subscriptions.ts'
import { formatBytes, formatGap, formatTime } from '../ui/format.ts'
import { Marked } from '../ui/marked.tsx'
import { MiddleCut } from '../ui/middle-cut.tsx'

const ARROWS: Readonly<Record<Direction, string>> = { in: '↓', out: '↑', note: '·' }
const DIRECTIONS: Readonly<Record<Direction, string>> = { in: 'received', out: 'sent', note: 'note' }
const ACKS: Readonly<Record<AckState, string>> = {
  waiting: 'wants ACK',
  acked: 'acked',
  nacked: 'nacked',
  lost: 'ACK too late',
}

export interface ConsoleRowProps {
  readonly record: FrameRecord
  /** What is in the line above; undefined for the first. */
  readonly previous: FrameRecord | undefined
  /** What is searched for, if it can be seen. */
  readonly query: LogQuery | undefined
  /** The one that brought a message. */
  readonly subscription: SubscriptionEntry | undefined
  readonly ack: AckState | undefined
  /** What the record says that was refused, or why it was. */
  readonly refusal: SoftError | undefined
  /** Names of headers that are secret besides the usual ones; undefined if secrets are shown. */
  readonly hiddenNames: readonly string[] | undefined
}

export function ConsoleRow(props: ConsoleRowProps) {
  const { record, previous, query, subscription, ack, refusal, hiddenNames } = props
  const { direction, kind, command, destination, origin, redelivery } = record
  if (kind === RecordKind.note) {
    return (
      <div class="row row-note" data-direction={direction}>
        <Times record={record} previous={previous} />
        <span class="row-text">
          <Found text={record.raw as string} query={query} />
        </span>
      </div>
    )
  }
  const raw = hiddenNames ? maskRaw(record, hiddenNames) : record.raw
  return (
    <div
      class={refusal ? `row row-${kind} row-refused` : `row row-${kind}`}
      data-direction={direction}
      data-hue={subscription?.hue}
      data-command={command}
    >
      <Times record={record} previous={previous} />
      <span class="row-arrow">
        <span aria-hidden="true">{ARROWS[direction]}</span>
        <span class="visually-hidden">{DIRECTIONS[direction]}</span>
      </span>
      <span class="row-command">{command}</span>
      <span class="row-rest">
        {destination !== undefined && (
          <span class="row-destination">
            <Destination text={undisguised(destination)} query={query} />
          </span>
        )}
        {origin?.marker ? (
          <RowMarker marker={origin.marker} />
        ) : (
          <span class="row-text">
            <Found text={previewOf(record, raw)} query={query} />
          </span>
        )}
      </span>
      {origin?.isRetained && <span class="row-ack">retained</span>}
      {origin?.offset !== undefined && !origin.marker && <Offset offset={origin.offset} />}
      {redelivery && <Again redelivery={redelivery} />}
      {refusal && <span class="row-ack row-ack-nacked">{direction === 'out' ? 'refused' : refusal.code}</span>}
      {ack !== undefined && <span class={`row-ack row-ack-${ack}`}>{ACKS[ack]}</span>}
      <span class="row-size">{formatBytes(record.bytes)}</span>
    </div>
  )
}

/** When it was, and how long after the line above, unless that is of another log: between those there is no time. */
function Times({ record, previous }: Pick<ConsoleRowProps, 'record' | 'previous'>) {
  return (
    <>
      <span class="row-time">{formatTime(record.atMs)}</span>
      <span class="row-gap" title="Since the line above">
        {previous?.importedFrom === record.importedFrom && previous && formatGap(record.atMs - previous.atMs)}
      </span>
    </>
  )
}

interface FoundProps {
  readonly text: string
  readonly query: LogQuery | undefined
  readonly header?: string
}

function Found({ text, query, header }: FoundProps) {
  return <Marked text={text} ranges={query?.rangesIn(text, header) ?? []} />
}

function Destination({ text, query }: FoundProps) {
  return query ? <Found text={text} query={query} header="destination" /> : <MiddleCut text={text} />
}

/** It has no body, and what its headers say is one sentence. */
function RowMarker({ marker }: { readonly marker: Marker }) {
  const { offset, isRecovered } = marker
  const outcome = outcomeWords(marker)
  return (
    <span class={isRecovered === false ? 'row-text row-marker is-gap' : 'row-text row-marker'}>
      marker: {offset !== undefined && 'at '}
      {offset !== undefined && <Offset offset={offset} />}
      {offset !== undefined && outcome !== '' && ', '}
      {outcome}
    </span>
  )
}

/** Where there is little room it is a number alone. */
function Again({ redelivery }: { readonly redelivery: Redelivery }) {
  const words = redeliveryWords(redelivery)
  const cut = words.indexOf(' ') + 1
  return (
    <span class="row-ack" title={words}>
      {cut > 0 && <span class="row-ack-word">{words.slice(0, cut)}</span>}
      {words.slice(cut)}
    </span>
  )
}

/** Where there is little room its first part, which is a time, is not seen. */
function Offset({ offset }: { readonly offset: string }) {
  const cut = Math.max(0, offset.indexOf('-'))
  return (
    <span class="row-offset" title={`Offset ${offset}`}>
      {cut > 0 && <span class="row-offset-time">{offset.slice(0, cut)}</span>}
      {offset.slice(cut)}
    </span>
  )
}
