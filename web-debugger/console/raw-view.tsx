/** Data exactly as it was on the wire, with signs for what has no shape of its own. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { toBytes, type WireData } from '../stomp/frame-record.ts'
import type { LogQuery } from '../stomp/log-query.ts'
import { toFragments } from '../stomp/wire-text.ts'
import { Button } from '../ui/button.tsx'
import { Marked } from '../ui/marked.tsx'
import { HexView } from './hex-view.tsx'

/** More than this is drawn only when somebody asks for it. */
const MAX_SHOWN = 50_000

export interface RawViewProps {
  readonly data: WireData
  /** What is searched for; it is marked. */
  readonly query: LogQuery | undefined
}

export function RawView({ data, query }: RawViewProps) {
  const isHex = useSignal(false)
  const isWhole = useSignal(false)
  const isCut = !isWhole.value && data.length > MAX_SHOWN
  const shown = isCut ? data.slice(0, MAX_SHOWN) : data
  return (
    <div class="detail-content">
      <div class="detail-content-head">
        <h3>{typeof data === 'string' ? 'Text message' : 'Binary message'}</h3>
        <Button kind="quiet" pressed={isHex.value} onClick={() => (isHex.value = !isHex.value)}>
          Hex
        </Button>
      </div>
      {isHex.value ? (
        <HexView bytes={toBytes(shown)} label="Raw data in hex" query={query} />
      ) : (
        <Fragments data={shown} query={query} />
      )}
      {isCut && <Button onClick={() => (isWhole.value = true)}>Show all of it</Button>}
    </div>
  )
}

function Fragments({ data, query }: RawViewProps) {
  const fragments = useMemo(() => toFragments(data), [data])
  return (
    <pre class="wire" tabIndex={0} aria-label="Raw data">
      {fragments.map(({ text, isSign }, index) =>
        isSign ? (
          <span class="wire-sign" key={index}>
            {text}
          </span>
        ) : (
          <Marked key={index} text={text} ranges={query?.rangesIn(text) ?? []} />
        ),
      )}
    </pre>
  )
}
