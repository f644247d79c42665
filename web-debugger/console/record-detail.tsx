/** Everything about one record: its headers and body, or the very data of the wire. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { SoftErrorText } from '../errors/soft-error-text.tsx'
import { partsOf, previewOf, RecordKind, toText, type FrameRecord, type RecordParts } from '../stomp/frame-record.ts'
import { markerWords } from '../stomp/place.ts'
import type { Redelivery } from '../stomp/redelivery.ts'
import { hideSecretBody, isSecretName, MASK, maskRaw } from '../stomp/secrets.ts'
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
import { RawView } from './raw-view.tsx'
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
  const raw = isShowing ? record.raw : maskRaw(record, connection.secretNames)
  // Secret headers of a frame are hidden in the table; what is no frame has them in its text.
  const parts = useMemo(() => {
    const all = partsOf(record.kind === RecordKind.frame ? record : { ...record, raw })
    return isShowing ? all : hideSecretBody(record, all)
  }, [record, isShowing])
  const isParsed = record.kind !== RecordKind.broken && record.kind !== RecordKind.heartBeat
  return (
    <article class="detail" tabIndex={-1} aria-label={`${record.command}, details`}>
      <header class="detail-head" data-direction={record.direction}>
        <h2>{record.command}</h2>
        <p class="tabular">
          {record.direction === 'in' ? 'received' : 'sent'} {formatTime(record.atMs)}, {formatBytes(record.bytes)}
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
            <CopyButton label="Copy body" text={() => parts.text ?? ''} />
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
      <div class="detail-body">
        {record.problem !== undefined && <Notice kind="error">{previewOf(record)}</Notice>}
        <Refusal record={record} tab={tab} />
        <History record={record} />
        {record.redelivery && <Again redelivery={record.redelivery} />}
        <AckButtons record={record} connection={connection} />
        {isParsed && view.value === 'parsed' ? (
          <>
            <HeaderTable parts={parts} isShowing={isShowing} secretNames={connection.secretNames} />
            <RecordBody parts={parts} />
          </>
        ) : (
          <RawView data={raw} />
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

interface HeaderTableProps {
  readonly parts: RecordParts
  readonly isShowing: boolean
  readonly secretNames: readonly string[]
}

function HeaderTable({ parts, isShowing, secretNames }: HeaderTableProps) {
  if (parts.headers.length === 0) return null
  return (
    <table class="detail-headers" aria-label="Headers">
      <tbody>
        {parts.headers.map(([name, value], index) => {
          const isHidden = !isShowing && isSecretName(name, secretNames)
          return (
            <tr key={index}>
              <th scope="row">{name}</th>
              <td>
                {isHidden ? <span title="Hidden; the button “Secrets” of the console shows it">{MASK}</span> : value}
                {value === '' && <span class="muted">empty</span>}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
