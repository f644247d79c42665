/** Storage of the browser, and what the page does without it. */
import type { KeyValueStore } from '../stomp/environment.ts'

/**
 * The storage; where it may not be used, one that has nothing and takes nothing, as if it were full. Some browsers throw at
 * the mere mention, when cookies are blocked.
 */
export function storageOrNone(storage: () => KeyValueStore): KeyValueStore {
  try {
    const found = storage()
    found.getItem('')
    return found
  } catch {
    return NO_STORAGE
  }
}

const NO_STORAGE: KeyValueStore = {
  getItem: () => null,
  setItem: () => {
    throw new Error('The browser does not let this page keep anything')
  },
  removeItem: () => {},
}

/** Keeps the value where there is room for it; an empty one is forgotten. Returns whether it did. */
export function keep(storage: KeyValueStore, key: string, value: string): boolean {
  try {
    if (value !== '') storage.setItem(key, value)
    else storage.removeItem(key)
    return true
  } catch {
    // It is full: then this one thing is not remembered, and what was before it neither.
    storage.removeItem(key)
    return false
  }
}

/** The names of all that the page keeps begin so. */
const OWN = 'stomp-bridge.'

/** Takes away all that the page has kept in the browser, and loads it anew: it still knows what is gone. */
export async function forgetAll(frames: { forget(): Promise<void> }): Promise<void> {
  await frames.forget()
  for (const storage of [() => localStorage, () => sessionStorage]) {
    try {
      for (const key of Object.keys(storage())) if (key.startsWith(OWN)) storage().removeItem(key)
    } catch {
      // Where nothing may be kept nothing is.
    }
  }
  location.reload()
}
