/** A long name that is cut in the middle where there is no room: what names differ in is mostly at their end. */

/** Up to here a name has room almost everywhere, and stays in one piece. */
const MAX_WHOLE = 28
/** Characters at the end that are always seen. */
const END = 14

export function MiddleCut({ text }: { readonly text: string }) {
  if (text.length <= MAX_WHOLE) return <>{text}</>
  return (
    <span class="middle-cut" title={text}>
      <span class="middle-cut-start">{text.slice(0, -END)}</span>
      <span class="middle-cut-end">{text.slice(-END)}</span>
    </span>
  )
}
