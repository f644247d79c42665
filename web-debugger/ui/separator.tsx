/**
 * The line between two panes, which moves: with a pointer, or as the WAI-ARIA pattern has it with arrows, Home and End.
 * A double click, or Enter, gives the page its say again.
 */
import type { Signal } from '@preact/signals'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface SeparatorProps {
  readonly label: string
  /** Width of the pane in pixels; undefined where the style sheet decides. */
  readonly width: Signal<number | undefined>
  /** Which of the two panes has the width: the one before the line, or the one after it. */
  readonly pane: 'before' | 'after'
  /** In pixels. The style sheet may leave less room. */
  readonly min: number
  readonly max: number
}

/** What an arrow moves it by, in pixels; with Shift four times as much. */
const STEP = 16

export function Separator({ label, width, pane, min, max }: SeparatorProps) {
  const line = useRef<HTMLDivElement>(null)
  const [shown, setShown] = useState(width.peek() ?? min)
  /** Where it was taken: how far the pointer is from the edge of the pane. */
  const grip = useRef<number | undefined>(undefined)
  const sign = pane === 'before' ? 1 : -1

  const measure = () => {
    const element = line.current!
    const sized = pane === 'before' ? element.previousElementSibling : element.nextElementSibling
    return Math.round(sized?.getBoundingClientRect().width ?? min)
  }
  const set = (wanted: number) => (width.value = Math.round(Math.max(min, Math.min(max, wanted))))
  useLayoutEffect(() => setShown(measure()), [width.value])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const step = sign * STEP * (event.shiftKey ? 4 : 1)
    if (event.key === 'ArrowRight') set(measure() + step)
    else if (event.key === 'ArrowLeft') set(measure() - step)
    else if (event.key === 'Home') set(min)
    else if (event.key === 'End') set(max)
    else if (event.key === 'Enter') width.value = undefined
    else return
    event.preventDefault()
  }
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return
    line.current!.setPointerCapture(event.pointerId)
    grip.current = event.clientX - sign * measure()
  }
  const onPointerMove = (event: PointerEvent) => {
    if (grip.current !== undefined) set(sign * (event.clientX - grip.current))
  }
  const release = () => (grip.current = undefined)
  return (
    <div
      ref={line}
      class="separator"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.max(min, Math.min(max, shown))}
      aria-valuemin={min}
      aria-valuemax={max}
      aria-valuetext={`${shown} pixels`}
      title={`${label}; a double click gives it back its usual place`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={() => setShown(measure())}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={release}
      onPointerCancel={release}
      onDblClick={() => (width.value = undefined)}
    />
  )
}
