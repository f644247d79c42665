/** Storage of the browser where it may be used, else one that lasts as long as the page. */
import type { KeyValueStore } from '../stomp/environment.ts'

/** Some browsers throw at the mere mention, when cookies are blocked. */
export function storageOrMemory(storage: () => KeyValueStore): KeyValueStore {
  try {
    const found = storage()
    found.getItem('')
    return found
  } catch {
    // Everything works without; it is only not remembered.
    return memoryStorage()
  }
}

/** Keeps the value where there is room for it; an empty one is forgotten. */
export function keep(storage: KeyValueStore, key: string, value: string): void {
  try {
    if (value !== '') storage.setItem(key, value)
    else storage.removeItem(key)
  } catch {
    // It is full: then this one thing is not remembered, and what was before it neither.
    storage.removeItem(key)
  }
}

function memoryStorage(): KeyValueStore {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
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
