/** Round-trip times as small charts: what receipts took, and how regular the heart-beats of the server are. */
import type { Connection } from '../stomp/connection.ts'
import { Button } from '../ui/button.tsx'
import { formatMs } from '../ui/format.ts'
import { Sparkline } from '../ui/sparkline.tsx'
import { useSeconds } from './use-seconds.ts'

export function RoundTripChart({ connection }: { readonly connection: Connection }) {
  // Both: a beat for what came, a second for what does not come.
  void connection.pulse.beat.value
  const now = useSeconds()
  const { receiptsMs, heartBeatGapsMs, lastReceivedMs, waiting } = connection.roundTrips
  const last = receiptsMs.at(-1)
  const silentSeconds =
    lastReceivedMs === undefined ? undefined : Math.max(0, Math.round((now - lastReceivedMs) / 1000))
  return (
    <div class="round-trips">
      <div class="round-trip">
        <p>
          <span class="round-trip-name">Round trip</span>
          <span class="tabular">{last === undefined ? 'not measured' : formatMs(last)}</span>
        </p>
        {receiptsMs.length > 0 && <Sparkline points={receiptsMs} label="Round trip of receipts" unit="ms" width={96} />}
      </div>
      {heartBeatGapsMs.length > 0 && (
        <div class="round-trip">
          <p>
            <span class="round-trip-name">Heart-beat every</span>
            <span class="tabular">{formatMs(heartBeatGapsMs.at(-1)!)}</span>
          </p>
          <Sparkline points={heartBeatGapsMs} label="Time between heart-beats" unit="ms" width={96} />
        </div>
      )}
      <div class="round-trip-foot">
        <span>
          {silentSeconds !== undefined && `Last data ${silentSeconds === 0 ? 'just now' : `${silentSeconds} s ago`}`}
          {waiting > 0 && `, ${waiting} ${waiting === 1 ? 'receipt' : 'receipts'} to come`}
        </span>
        <Button
          kind="quiet"
          pressed={connection.isProbing.value}
          title="Every 2 s an empty transaction with a receipt: it changes nothing"
          onClick={() => connection.setProbing(!connection.isProbing.value)}
        >
          Measure
        </Button>
      </div>
    </div>
  )
}
