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

function memoryStorage(): KeyValueStore {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }
}
