/**
 * A list of any length of which only the rows in sight are in the document. Rows have one height; it follows the end
 * while `isFollowing`, which it clears when someone scrolls up and sets when they come back down. Else what is in sight
 * stays where it is, also when the first items go.
 */
import type { ReadonlySignal, Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Rows drawn beyond each edge, so that fast scrolling shows no blank. */
const OVERSCAN_ROWS = 8

export interface VirtualListProps<T> {
  readonly items: readonly T[]
  /** How many have gone from the beginning so far. */
  readonly cut: number
  /** Changes whenever the items did; the array itself may stay the same. */
  readonly version: number
  /** In CSS pixels. */
  readonly rowHeight: number
  readonly renderRow: (item: T, index: number) => VNode
  readonly label: string
  readonly isFollowing: Signal<boolean>
  readonly selectedIndex?: Signal<number | undefined> | undefined
  /** Grows when the selected row has to be brought into sight, whatever was scrolled. */
  readonly revealed?: ReadonlySignal<number> | undefined
  readonly onSelect?: ((index: number) => void) | undefined
}

export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, cut, version, rowHeight, renderRow, label, isFollowing, selectedIndex, revealed, onSelect } = props
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const lastTop = useRef(0)
  /** The newest `cut`, and the one that the list is scrolled for: out of sight it cannot be scrolled. */
  const cuts = useRef({ newest: cut, scrolled: cut })
  cuts.current.newest = cut
  const [view, setView] = useState({ top: 0, height: 600, cut })
  const selected = selectedIndex?.value
  const hasSelected = selected !== undefined && selected < items.length

  /** Draws what is in sight there now. */
  const look = () => {
    const { scrollTop, clientHeight } = box.current!
    setView({ top: scrollTop, height: clientHeight, cut: cuts.current.scrolled })
  }

  /** Scrolls to the end, or by what has gone above what is in sight. */
  const stay = () => {
    const element = box.current!
    if (element.clientHeight === 0) return
    const { newest, scrolled } = cuts.current
    if (isFollowing.peek()) element.scrollTop = element.scrollHeight
    // Not from where it is now: the browser has moved it already where the list has become shorter.
    else if (newest > scrolled) element.scrollTop = lastTop.current - (newest - scrolled) * rowHeight
    cuts.current.scrolled = newest
    lastTop.current = element.scrollTop
  }

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      // It is told too that the list was taken away.
      if (!box.current) return
      stay()
      look()
    })
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])

  // What will be in sight, without drawing once more after it was scrolled there.
  const top = isFollowing.value
    ? Math.max(0, items.length * rowHeight - view.height)
    : Math.max(0, view.top - (cut - view.cut) * rowHeight)

  useLayoutEffect(() => {
    stay()
    // A shorter list has moved the view, without a scroll event before the next frame.
    const isMoved = !isFollowing.value && Math.abs(box.current!.scrollTop - top) >= 1
    if (isMoved) look()
  }, [version, cut, isFollowing.value, items.length])

  const shownReveal = useRef(revealed?.peek())
  useLayoutEffect(() => {
    const element = box.current!
    if (shownReveal.current === revealed?.value || selected === undefined) return
    shownReveal.current = revealed?.value
    const top = selected * rowHeight
    const isInSight = top >= element.scrollTop && top + rowHeight <= element.scrollTop + element.clientHeight
    if (!isInSight) element.scrollTop = Math.max(0, top - (element.clientHeight - rowHeight) / 2)
    lastTop.current = element.scrollTop
    look()
  })

  const onScroll = () => {
    const element = box.current
    // An event that was under way when the list was taken away.
    if (!element) return
    const { scrollTop, clientHeight, scrollHeight } = element
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - rowHeight
    if (scrollTop < lastTop.current - 1 && !isAtEnd) isFollowing.value = false
    else if (isAtEnd && scrollTop > lastTop.current) isFollowing.value = true
    lastTop.current = scrollTop
    if (!isFollowing.value) look()
  }
  const onWheel = ({ deltaY }: WheelEvent) => {
    // At once: while much arrives, the list would be back at its end before the scroll event.
    if (deltaY < 0 && box.current && box.current.scrollTop > 0) isFollowing.value = false
  }

  const select = (index: number) => {
    if (items.length === 0) return
    const next = Math.max(0, Math.min(items.length - 1, index))
    if (next < items.length - 1) isFollowing.value = false
    if (selectedIndex) selectedIndex.value = next
    onSelect?.(next)
    const element = box.current!
    const top = next * rowHeight
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== box.current) return
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1)
    if (event.key === 'ArrowDown') select((selected ?? -1) + 1)
    else if (event.key === 'ArrowUp') select((selected ?? items.length) - 1)
    else if (event.key === 'PageDown') select((selected ?? -1) + page)
    else if (event.key === 'PageUp') select((selected ?? items.length) - page)
    else if (event.key === 'Home') select(0)
    else if (event.key === 'End') {
      select(items.length - 1)
      isFollowing.value = true
    } else return
    event.preventDefault()
  }

  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN_ROWS)
  const end = Math.min(items.length, Math.ceil((top + view.height) / rowHeight) + OVERSCAN_ROWS)
  const rows: VNode[] = []
  for (let index = first; index < end; index++) {
    rows.push(
      <div
        key={cut + index}
        id={`${id}-${cut + index}`}
        class="virtual-row"
        role="option"
        aria-selected={index === selected}
        aria-setsize={items.length}
        aria-posinset={index + 1}
        style={{ height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
        onClick={() => select(index)}
      >
        {renderRow(items[index]!, index)}
      </div>,
    )
  }
  const isSelectedDrawn = hasSelected && selected >= first && selected < end
  return (
    <div
      ref={box}
      class="virtual-list"
      role="listbox"
      aria-label={label}
      aria-activedescendant={isSelectedDrawn ? `${id}-${cut + selected}` : undefined}
      tabIndex={0}
      onScroll={onScroll}
      onWheel={onWheel}
      onKeyDown={onKeyDown}
    >
      <div class="virtual-space" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  )
}
