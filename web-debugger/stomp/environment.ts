/**
 * What the model needs from the page it runs in: time, the next paint, WebSockets. Tests put in their own; nothing else in
 * this folder touches a global of the browser.
 */

/** The part of a browser's WebSocket that is used. */
export interface Socket {
  readonly url: string
  readonly readyState: number
  readonly protocol: string
  /** Bytes handed over and not yet on the network. */
  readonly bufferedAmount: number
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string | ArrayBuffer): void
  close(): void
}

/** WebSocket's `readyState`. */
export const SocketState = { connecting: 0, open: 1, closing: 2, closed: 3 } as const

/** The part of the browser's Storage that is used. */
export interface KeyValueStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

export interface Environment {
  /** Milliseconds since 1970, with a fraction. */
  now(): number
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
  /** Before the next paint; a little later where nothing is painted. */
  nextFrame(callback: () => void): void
  /** Throws what the constructor of WebSocket throws. */
  openSocket(url: string, protocols: readonly string[]): Socket
  /** Did the page come over https? Then it may open `wss` only. */
  readonly isSecurePage: boolean
  /** False where the browser knows that this computer has no network. It still reaches itself then. */
  isOnline(): boolean
  /** Called when that has changed. Returns the function that ends it. */
  onNetwork(listener: () => void): () => void
}

/** A page in the background is not painted, yet its counts must go on. */
const LONGEST_FRAME_MS = 250

/** `performance.now()` stands still on some systems while the computer sleeps. */
const MAX_CLOCK_LAG_MS = 1_000

/** What not every place has where this runs. */
interface PageGlobal {
  readonly requestAnimationFrame?: (callback: () => void) => unknown
  readonly location?: Location
  readonly navigator?: Navigator
}

const page: PageGlobal = globalThis

/** A clock that never goes back, has fractions, and is right again after the computer slept. */
export function createClock(wallMs: () => number, steadyMs: () => number): () => number {
  let originMs = wallMs() - steadyMs()
  return () => {
    const lagMs = wallMs() - originMs - steadyMs()
    if (lagMs > MAX_CLOCK_LAG_MS) originMs += lagMs
    return originMs + steadyMs()
  }
}

export const browserEnvironment: Environment = {
  now: createClock(
    () => Date.now(),
    () => performance.now(),
  ),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  nextFrame(callback) {
    let isDone = false
    const once = () => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      callback()
    }
    const timer = setTimeout(once, LONGEST_FRAME_MS)
    page.requestAnimationFrame?.(once)
  },
  openSocket: (url, protocols) => new WebSocket(url, [...protocols]),
  isSecurePage: page.location?.protocol === 'https:',
  isOnline: () => page.navigator?.onLine !== false,
  onNetwork(listener) {
    const events = ['online', 'offline'] as const
    for (const event of events) globalThis.addEventListener?.(event, listener)
    return () => {
      for (const event of events) globalThis.removeEventListener?.(event, listener)
    }
  },
}
