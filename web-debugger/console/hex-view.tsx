/** Bytes in rows of 16: where they are, in hex, and what is printable of them. */
import { useMemo } from 'preact/hooks'
import type { LogQuery } from '../stomp/log-query.ts'
import { toHexRows } from '../stomp/wire-text.ts'
import { Marked, rangesBetween } from '../ui/marked.tsx'

/** A character of this encoding is a byte. */
const latin1 = new TextDecoder('latin1')

export interface HexViewProps {
  readonly bytes: Uint8Array
  readonly label: string
  readonly query: LogQuery | undefined
}

export function HexView({ bytes, label, query }: HexViewProps) {
  const rows = useMemo(() => toHexRows(bytes), [bytes])
  const found = useMemo(() => (query?.hasRanges ? query.rangesIn(latin1.decode(bytes)) : []), [bytes, query])
  return (
    <pre class="wire wire-hex" tabIndex={0} aria-label={label}>
      {rows.map(({ at, hex, text }, index) => {
        const ranges = rangesBetween(found, at, at + 16)
        // Each byte has two digits, and a blank that belongs to the one before it.
        const inHex = ranges.map(({ from, to }) => ({ from: from * 3, to: to * 3 - 1 }))
        return (
          <>
            {index > 0 && '\n'}
            <span class="wire-offset">{at.toString(16).padStart(6, '0')}</span>
            {'  '}
            <Marked text={hex} ranges={inHex} />
            {'  '}
            <span class="wire-ascii">
              <Marked text={text} ranges={ranges} />
            </span>
          </>
        )
      })}
    </pre>
  )
}
