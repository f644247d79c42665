/** Data exactly as it was on the wire, with signs for what has no shape of its own. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { toBytes, type WireData } from '../stomp/frame-record.ts'
import { toFragments, toHexDump } from '../stomp/wire-text.ts'
import { Button } from '../ui/button.tsx'

/** More than this is drawn only when somebody asks for it. */
const MAX_SHOWN = 50_000

export function RawView({ data }: { readonly data: WireData }) {
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
        <pre class="wire wire-hex" tabIndex={0} aria-label="Raw data in hex">
          {toHexDump(toBytes(shown))}
        </pre>
      ) : (
        <Fragments data={shown} />
      )}
      {isCut && <Button onClick={() => (isWhole.value = true)}>Show all of it</Button>}
    </div>
  )
}

function Fragments({ data }: { readonly data: WireData }) {
  const fragments = useMemo(() => toFragments(data), [data])
  return (
    <pre class="wire" tabIndex={0} aria-label="Raw data">
      {fragments.map(({ text, isSign }, index) =>
        isSign ? (
          <span class="wire-sign" key={index}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </pre>
  )
}
