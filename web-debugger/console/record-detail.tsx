/** Everything about one record: its headers and body, or the very data of the wire. */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { SoftErrorText } from '../errors/soft-error-text.tsx'
import { toHex } from '../stomp/body.ts'
import { partsOf, previewOf, RecordKind, toText, type FrameRecord } from '../stomp/frame-record.ts'
import { headerChanges } from '../stomp/header-changes.ts'
import { markerWords } from '../stomp/place.ts'
import type { Redelivery } from '../stomp/redelivery.ts'
import { hideSecretBody, isSecretName, maskRaw } from '../stomp/secrets.ts'
import type { Tab } from '../stomp/workspace.ts'
import { announce } from '../ui/announce.ts'
import { Button } from '../ui/button.tsx'
import { Choice } from '../ui/choice.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import { AckButtons } from './ack-buttons.tsx'
import { draftOf } from './draft-of.ts'
import { formatBytes, formatTime } from '../ui/format.ts'
import { HeaderTable } from './header-table.tsx'
import { RawView } from './raw-view.tsx'
import { ReceiptPair } from './receipt-pair.tsx'
import { RecordBody } from './record-body.tsx'

export interface RecordDetailProps {
  readonly record: FrameRecord
  readonly tab: Tab
  readonly onClose: () => void
}

export function RecordDetail({ record, tab, onClose }: RecordDetailProps) {
  const { connection, console: model } = tab
  const view = useSignal<'parsed' | 'raw'>(record.kind === RecordKind.broken ? 'raw' : 'parsed')
  const isShowing = model.isShowingSecrets.value
  const query = model.query.value.hasRanges ? model.query.value : undefined
  const body = useRef<HTMLDivElement>(null)
  const isElsewhere = useSignal(false)
  const raw = isShowing ? record.raw : maskRaw(record, connection.secretNames)
  // Secret headers of a frame are hidden in the table; what is no frame has them in its text.
  const parts = useMemo(() => {
    const all = partsOf(record.kind === RecordKind.frame ? record : { ...record, raw })
    return isShowing ? all : hideSecretBody(record, all)
  }, [record, isShowing])
  useEffect(() => {
    const mark = body.current?.querySelector('mark')
    mark?.scrollIntoView({ block: 'center', inline: 'nearest' })
    isElsewhere.value = !mark && query !== undefined && query.rangesIn(toText(raw)).length > 0
  }, [query, raw, view.value])
  const changes = useMemo(() => headerChanges(record, parts.headers, connection.log), [record, parts])
  const isParsed = record.kind !== RecordKind.broken && record.kind !== RecordKind.heartBeat
  return (
    <article class="detail" tabIndex={-1} aria-label={`${record.command}, details`}>
      <header class="detail-head" data-direction={record.direction}>
        <h2>{record.command}</h2>
        <p class="tabular">
          {record.direction === 'in' ? 'received' : 'sent'} {formatTime(record.atMs)},{' '}
          <span>{formatBytes(record.bytes)}</span>
        </p>
        <Button kind="quiet" title="Close details" onClick={onClose}>
          <Icon name="close" />
        </Button>
      </header>
      <div class="detail-tools">
        {isParsed && (
          <Choice
            label="How to show it"
            value={view}
            options={[
              { value: 'parsed', text: record.kind === RecordKind.frame ? 'Parsed' : 'Message' },
              { value: 'raw', text: 'Raw' },
            ]}
          />
        )}
        <CopyButton label="Copy frame" text={() => toText(raw)} />
        {(record.kind === RecordKind.frame || record.kind === RecordKind.text) && parts.body.length > 0 && (
          <>
            <CopyButton label="Copy body" text={() => parts.text ?? toHex(parts.body)} />
            <Button
              kind="quiet"
              title="Fill the form for sending with this message"
              onClick={() => {
                tab.sender.fill(draftOf(record, parts))
                announce('Filled into the form for sending')
              }}
            >
              Reuse
            </Button>
          </>
        )}
      </div>
      <div class="detail-body" ref={body}>
        {isElsewhere.value && isParsed && view.value === 'parsed' && (
          <Notice kind="info">
            What you search for is there as it was sent.{' '}
            <Button kind="quiet" onClick={() => (view.value = 'raw')}>
              Show it raw
            </Button>
          </Notice>
        )}
        {record.problem !== undefined && <Notice kind="error">{previewOf(record)}</Notice>}
        <Refusal record={record} tab={tab} />
        <History record={record} />
        {record.redelivery && <Again redelivery={record.redelivery} />}
        <ReceiptPair record={record} tab={tab} />
        <AckButtons record={record} connection={connection} />
        {isParsed && view.value === 'parsed' ? (
          <>
            <HeaderTable
              parts={parts}
              changes={changes}
              query={query}
              isHidden={(name) => !isShowing && isSecretName(name, connection.secretNames)}
            />
            <RecordBody parts={parts} query={query} />
          </>
        ) : (
          <RawView data={raw} query={query} />
        )}
      </div>
    </article>
  )
}

/** What no header says by itself: nobody has sent a marker, and a retained message is not new. */
function History({ record: { origin } }: { readonly record: FrameRecord }) {
  if (origin?.marker) {
    return (
      <Notice kind={origin.marker.isRecovered === false ? 'warning' : 'info'}>
        A marker of the bridge, which nobody has sent: {markerWords(origin.marker)}.
      </Notice>
    )
  }
  return origin?.isRetained ? <Notice kind="info">Retained: it was there before the subscription.</Notice> : null
}

/** Whoever had it before has not done it, or not said so. */
function Again({ redelivery: { deliveries } }: { readonly redelivery: Redelivery }) {
  const which = deliveries === undefined ? 'Redelivered' : `Delivery ${deliveries.toLocaleString('en')}`
  return <Notice kind="info">{which}: somebody was given it before, and has not acknowledged it.</Notice>
}

/** What became of a frame that was refused; for the error itself, which frame it means. */
function Refusal({ record, tab }: { readonly record: FrameRecord; readonly tab: Tab }) {
  const error = tab.connection.softErrors.of(record)
  if (!error) return null
  const start = record.direction === 'out' ? 'Refused: ' : `The server refused a ${error.refused ?? 'frame'}: `
  return (
    <Notice kind="error">
      {start}
      <SoftErrorText error={error} /> The session goes on.
    </Notice>
  )
}
