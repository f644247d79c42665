/** While a connection waits: when it is tried again, and a button for now. */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Connection } from '../stomp/connection.ts'
import { Button } from '../ui/button.tsx'
import { useSeconds } from './use-seconds.ts'

export interface NextAttemptProps {
  readonly connection: Connection
  /** The last button in it has the focus when this one goes with the attempt. */
  readonly actions: RefObject<HTMLElement | null>
}

export function NextAttempt({ connection, actions }: NextAttemptProps) {
  const box = useRef<HTMLParagraphElement>(null)
  const now = useSeconds()
  useLayoutEffect(
    () => () => {
      if (box.current?.contains(document.activeElement)) {
        actions.current?.querySelector<HTMLElement>('button:last-of-type')?.focus()
      }
    },
    [],
  )
  const atMs = connection.nextAttemptAtMs.value
  const seconds = atMs === undefined ? undefined : Math.max(0, Math.ceil((atMs - now) / 1000))
  return (
    <p class="connection-next" ref={box}>
      <span>
        {seconds === undefined
          ? 'This computer is offline. The next attempt comes when it is online again.'
          : `Next attempt ${seconds === 0 ? 'now' : `in ${seconds} s`}`}
      </span>
      <Button kind="quiet" onClick={() => connection.tryNow()}>
        Try now
      </Button>
    </p>
  )
}
