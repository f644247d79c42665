/** A message that the bridge keeps, in a history or a queue: one line, which opens to all of it. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import { utf8Length } from '../../frames/index.ts'
import type { HistoryMessage } from '../api/types.ts'
import { RecordBody } from '../console/record-body.tsx'
import { parseBase64 } from '../stomp/body.ts'
import { toBytes, type RecordParts } from '../stomp/frame-record.ts'
import { formatBytes, formatClock } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'

/** Characters of a body in its line. */
const PREVIEW = 300

type Kept = Pick<HistoryMessage, 'body' | 'encoding' | 'contentType' | 'headers'>

export interface KeptMessageProps {
  readonly message: Kept
  /** Milliseconds since 1970. */
  readonly timestamp: number | undefined
  /** What the line says before the time. */
  readonly badge?: ComponentChildren
  /** What the line says between time and body. */
  readonly children?: ComponentChildren
  /** Shown before its headers. */
  readonly facts?: readonly (readonly [name: string, value: string])[]
}

export function KeptMessage({ message, timestamp, badge, children, facts = [] }: KeptMessageProps) {
  const isOpen = useSignal(false)
  const { body, encoding } = message
  const bytes = useMemo(() => bytesOf(message), [message])
  return (
    <li>
      <details class="kept-item" onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>
          <Icon name="chevron" />
          {badge}
          {timestamp !== undefined && (
            <time class="tabular muted" dateTime={new Date(timestamp).toISOString()}>
              {formatClock(timestamp)}
            </time>
          )}
          {children}
          <span class="kept-body mono">{encoding === 'base64' ? 'binary' : body.slice(0, PREVIEW)}</span>
          <span class="kept-size tabular muted">{formatBytes(bytes)}</span>
        </summary>
        {isOpen.value && <WholeMessage message={message} facts={facts} />}
      </details>
    </li>
  )
}

function WholeMessage({
  message,
  facts,
}: {
  readonly message: Kept
  readonly facts: NonNullable<KeptMessageProps['facts']>
}) {
  const { body, encoding, contentType, headers } = message
  const parts = useMemo((): RecordParts => {
    const bytes = encoding === 'base64' ? (parseBase64(body) as { value?: Uint8Array }).value : toBytes(body)
    return { headers: [], body: bytes ?? toBytes(body), text: encoding === 'base64' ? undefined : body }
  }, [message])
  const type = contentType === undefined ? [] : [['content-type', contentType] as const]
  const all = [...facts, ...type, ...Object.entries(headers)]
  return (
    <div class="kept-whole">
      {all.length > 0 && (
        <table class="detail-headers" aria-label="Headers">
          <tbody>
            {all.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <RecordBody parts={parts} />
    </div>
  )
}

function bytesOf({ body, encoding }: Kept): number {
  if (encoding !== 'base64') return utf8Length(body)
  // RFC 4648 section 4: three bytes are four characters, the last of which may only fill up.
  return (body.length / 4) * 3 - (/=*$/.exec(body.slice(-2))?.[0].length ?? 0)
}
