/** The body of a frame: JSON on several lines, which fold; text as it is; bytes in hex. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { isJson } from '../stomp/body.ts'
import type { RecordParts } from '../stomp/frame-record.ts'
import { outlineJson } from '../stomp/json-outline.ts'
import type { LogQuery } from '../stomp/log-query.ts'
import { Button } from '../ui/button.tsx'
import { Marked, rangesBetween } from '../ui/marked.tsx'
import { HexView } from './hex-view.tsx'
import { isLongJson, JsonView } from './json-view.tsx'

/** More than this is drawn only when somebody asks for it, or is looking for it. */
const MAX_SHOWN = 50_000
/** Bytes take four times as much room. */
const MAX_SHOWN_BYTES = MAX_SHOWN / 4
/** Drawn after what was looked for. */
const AFTER_MATCH = 2_000
/** So far down a match is shown even so. */
const MAX_REVEALED = 1_000_000

export interface RecordBodyProps {
  readonly parts: RecordParts
  /** What is searched for; it is marked. */
  readonly query?: LogQuery | undefined
}

export function RecordBody({ parts, query }: RecordBodyProps) {
  const isAsSent = useSignal(false)
  const isWhole = useSignal(false)
  const { text, body } = parts
  const json = useMemo(
    () => (text !== undefined && /^\s*[[{]/.test(text) && isJson(text) ? outlineJson(text) : undefined),
    [text],
  )
  if (body.length === 0) return <p class="muted">No body.</p>
  const isTree = json !== undefined && !isAsSent.value
  const isLong = isTree
    ? isLongJson(json)
    : text === undefined
      ? body.length > MAX_SHOWN_BYTES
      : text.length > MAX_SHOWN
  return (
    <div class="detail-content">
      <div class="detail-content-head">
        <h3>Body</h3>
        {text === undefined && <span class="muted">binary, {body.length.toLocaleString('en')} bytes</span>}
        {json !== undefined && (
          <Button kind="quiet" pressed={isAsSent.value} onClick={() => (isAsSent.value = !isAsSent.value)}>
            As sent
          </Button>
        )}
      </div>
      {isTree ? (
        <JsonView lines={json} query={query} isWhole={isWhole.value} />
      ) : text === undefined ? (
        <HexView bytes={isWhole.value ? body : body.subarray(0, MAX_SHOWN_BYTES)} label="Body" query={query} />
      ) : (
        <Text text={text} query={query} isWhole={isWhole.value} />
      )}
      {isLong && !isWhole.value && <Button onClick={() => (isWhole.value = true)}>Show all of it</Button>}
    </div>
  )
}

interface TextProps {
  readonly text: string
  readonly query: LogQuery | undefined
  readonly isWhole: boolean
}

function Text({ text, query, isWhole }: TextProps) {
  const ranges = useMemo(() => query?.rangesIn(text) ?? [], [text, query])
  const wanted = Math.min((ranges[0]?.to ?? 0) + AFTER_MATCH, MAX_REVEALED)
  const end = isWhole ? text.length : Math.max(MAX_SHOWN, wanted)
  return (
    <pre class="wire" tabIndex={0} aria-label="Body">
      <Marked text={text.slice(0, end)} ranges={rangesBetween(ranges, 0, end)} />
    </pre>
  )
}
