/** JSON on several lines, in colours. Objects and arrays fold: with a click, or with the arrow keys. */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { textOfLine, type JsonLine } from '../stomp/json-outline.ts'
import type { LogQuery } from '../stomp/log-query.ts'
import type { Range } from '../stomp/pattern.ts'
import { Marked, rangesBetween } from '../ui/marked.tsx'

/** Lines, and characters in them, that are drawn before somebody asks for more. */
const MAX_LINES = 500
const MAX_SHOWN = 50_000
/** So far down a match is shown even so. */
const MAX_REVEALED = 10_000

export interface JsonViewProps {
  readonly lines: readonly JsonLine[]
  readonly query: LogQuery | undefined
  /** Draw all of it, however long it is. */
  readonly isWhole: boolean
}

/** Does it need more than is drawn at first? */
export function isLongJson(lines: readonly JsonLine[]): boolean {
  return lines.length > MAX_LINES || lengthOf(lines) > MAX_SHOWN
}

export function JsonView({ lines, query, isWhole }: JsonViewProps) {
  const folded = useSignal<ReadonlySet<number>>(new Set())
  const marks = useMemo(() => marksOf(lines, query), [lines, query])
  useEffect(() => {
    // What is found shows itself.
    const isHidden = (place: number) => [...marks.keys()].some((at) => at > place && at < lines[place]!.end!)
    const left = [...folded.value].filter((place) => !isHidden(place))
    if (left.length < folded.value.size) folded.value = new Set(left)
  }, [marks])
  const toggle = (place: number) => {
    const next = new Set(folded.value)
    if (!next.delete(place)) next.add(place)
    folded.value = next
  }
  const [first = -1] = marks.keys()
  const shown = visibleLines(lines, folded.value, isWhole, Math.min(first, MAX_REVEALED))
  return (
    <pre class="wire json" tabIndex={0} aria-label="Body" onKeyDown={onKeyDown}>
      {shown.map((place, index) => (
        <LineOfJson
          key={place}
          line={lines[place]!}
          isFirst={index === 0}
          isLast={index === shown.length - 1}
          isFolded={folded.value.has(place)}
          closing={folded.value.has(place) ? lines[lines[place]!.end!] : undefined}
          ranges={marks.get(place) ?? []}
          onToggle={() => toggle(place)}
        />
      ))}
    </pre>
  )
}

interface LineProps {
  readonly line: JsonLine
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly isFolded: boolean
  /** The line that ends what is folded here. */
  readonly closing: JsonLine | undefined
  readonly ranges: readonly Range[]
  readonly onToggle: () => void
}

function LineOfJson({ line, isFirst, isLast, isFolded, closing, ranges, onToggle }: LineProps) {
  const indent = textOfLine({ ...line, tokens: [] })
  let from = indent.length
  return (
    <>
      {line.end !== undefined && (
        <button
          type="button"
          class="json-toggle"
          // One stop for the Tab key; arrows go to the others.
          tabIndex={isFirst ? 0 : -1}
          aria-expanded={!isFolded}
          aria-label={`Fold ${nameOf(line)}`}
          onClick={onToggle}
        />
      )}
      {indent}
      {line.tokens.map(({ kind, text }, index) => {
        const start = from
        from += text.length
        return (
          <span class={`json-${kind}`} key={index}>
            <Marked text={text} ranges={rangesBetween(ranges, start, from)} />
          </span>
        )
      })}
      {closing && (
        <>
          <span class="json-folded">
            {` ${line.members.toLocaleString('en')} ${line.members === 1 ? 'member' : 'members'} `}
          </span>
          <span class="json-sign">{textOfLine({ ...closing, depth: 0 })}</span>
        </>
      )}
      {!isLast && '\n'}
    </>
  )
}

function nameOf({ tokens }: JsonLine): string {
  return tokens[0]?.kind === 'key' ? tokens[0].text : 'this'
}

/** Places of the lines to draw: what is folded is left out, and what would be too much, but not what is searched for. */
function visibleLines(
  lines: readonly JsonLine[],
  folded: ReadonlySet<number>,
  isWhole: boolean,
  wanted: number,
): number[] {
  const shown: number[] = []
  let length = 0
  for (let place = 0; place < lines.length; place++) {
    const isEnough = shown.length >= MAX_LINES || length > MAX_SHOWN
    if (!isWhole && isEnough && place > wanted) break
    shown.push(place)
    const { end, tokens } = lines[place]!
    for (const { text } of tokens) length += text.length
    if (folded.has(place)) place = end!
  }
  return shown
}

function lengthOf(lines: readonly JsonLine[]): number {
  return lines.reduce((sum, line) => sum + textOfLine(line).length, 0)
}

function marksOf(lines: readonly JsonLine[], query: LogQuery | undefined): Map<number, readonly Range[]> {
  const marks = new Map<number, readonly Range[]>()
  if (!query?.hasRanges) return marks
  for (const [place, line] of lines.entries()) {
    const ranges = query.rangesIn(textOfLine(line))
    if (ranges.length > 0) marks.set(place, ranges)
  }
  return marks
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLElement)) return
  const { target, key } = event
  if (!target.classList.contains('json-toggle')) return
  const all = [...target.parentElement!.querySelectorAll<HTMLElement>('.json-toggle')]
  const at = all.indexOf(target)
  const isOpen = target.getAttribute('aria-expanded') === 'true'
  if (key === 'ArrowDown') all[at + 1]?.focus()
  else if (key === 'ArrowUp') all[at - 1]?.focus()
  else if (key === 'ArrowLeft' || key === 'ArrowRight') {
    if (isOpen === (key === 'ArrowLeft')) target.click()
  } else return
  event.preventDefault()
}
