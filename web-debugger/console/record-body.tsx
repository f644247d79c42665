/** The body of a frame: JSON on several lines, text as it is, bytes in hex. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { formatJson } from '../stomp/body.ts'
import type { RecordParts } from '../stomp/frame-record.ts'
import { toHexDump } from '../stomp/wire-text.ts'
import { Button } from '../ui/button.tsx'

/** More than this is drawn only when somebody asks for it. */
const MAX_SHOWN = 50_000

export function RecordBody({ parts }: { readonly parts: RecordParts }) {
  const isFormatted = useSignal(true)
  const isWhole = useSignal(false)
  const { text, body } = parts
  const json = useMemo(() => (text !== undefined && /^\s*[[{]/.test(text) ? formatJson(text) : undefined), [text])
  if (body.length === 0) return <p class="muted">No body.</p>
  const limit = isWhole.value ? Infinity : MAX_SHOWN
  const shown = text === undefined ? toHexDump(body.subarray(0, limit / 4)) : (isFormatted.value && json) || text
  const isCut = text === undefined ? body.length > limit / 4 : shown.length > limit
  return (
    <div class="detail-content">
      <div class="detail-content-head">
        <h3>Body</h3>
        {text === undefined && <span class="muted">binary, {body.length.toLocaleString('en')} bytes</span>}
        {json !== undefined && (
          <Button kind="quiet" pressed={!isFormatted.value} onClick={() => (isFormatted.value = !isFormatted.value)}>
            As sent
          </Button>
        )}
      </div>
      <pre class={text === undefined ? 'wire wire-hex' : 'wire'} tabIndex={0} aria-label="Body">
        {text === undefined ? shown : shown.slice(0, limit)}
      </pre>
      {isCut && <Button onClick={() => (isWhole.value = true)}>Show all of it</Button>}
    </div>
  )
}
