/** Leads from a frame to the RECEIPT that answers it, and back. */
import type { FrameRecord } from '../stomp/frame-record.ts'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { formatMs } from '../ui/format.ts'

export function ReceiptPair({ record, tab }: { readonly record: FrameRecord; readonly tab: Tab }) {
  const { connection, console: model } = tab
  // It may come while its frame is looked at.
  void connection.pulse.beat.value
  const pair = connection.sentFrames.pairOf(record)
  if (!pair) return null
  const isFrame = pair.frameSeq === record.seq
  const other = connection.log.at(isFrame ? pair.receiptSeq : pair.frameSeq)
  if (!other) return null
  return (
    <p class="receipt-pair">
      <span>
        {isFrame
          ? `Its RECEIPT came after ${formatMs(pair.ms)}.`
          : `Answers ${nameOf(other)} after ${formatMs(pair.ms)}.`}
      </span>
      <Button kind="quiet" onClick={() => model.show(other.seq)}>
        Show {other.command}
      </Button>
    </p>
  )
}

function nameOf({ command, destination }: FrameRecord): string {
  return destination === undefined ? command : `${command} ${destination}`
}
