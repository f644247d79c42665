/** Draws a component again every second, for what changes by time alone: a rate that falls, a moment that comes near. */
import { useEffect, useState } from 'preact/hooks'

/** Milliseconds since 1970, as of the last second. */
export function useSeconds(isRunning = true): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isRunning])
  return now
}
