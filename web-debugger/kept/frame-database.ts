/** The frames that are kept, in the browser's IndexedDB. */
import type { FrameStore, KeptPiece } from './frame-store.ts'

const NAME = 'stomp-bridge.debugger'
const PIECES = 'pieces'
const BY_TIME = 'by time'

export class FrameDatabase implements FrameStore {
  readonly #factory: () => IDBFactory
  #database: Promise<IDBDatabase> | undefined

  /** `factory`: some browsers throw at the mere mention. */
  constructor(factory: () => IDBFactory) {
    this.#factory = factory
  }

  load(page: string): Promise<readonly KeptPiece[]> {
    return this.#run('readonly', (pieces) => pieces.getAll(IDBKeyRange.bound([page], [page, []])))
  }

  async put(piece: KeptPiece): Promise<void> {
    await this.#run('readwrite', (pieces) => {
      const request = pieces.put(piece)
      // A page that is about to go is not there to say later that this is all.
      pieces.transaction.commit()
      return request
    })
  }

  async remove(page: string, tab: string, upTo: number): Promise<void> {
    await this.#run('readwrite', (pieces) => pieces.delete(IDBKeyRange.bound([page, tab], [page, tab, upTo])))
  }

  async removeBefore(savedAtMs: number): Promise<void> {
    await this.#run('readwrite', (pieces) => {
      const request = pieces.index(BY_TIME).openKeyCursor(IDBKeyRange.upperBound(savedAtMs, true))
      request.onsuccess = () => {
        if (!request.result) return
        pieces.delete(request.result.primaryKey)
        request.result.continue()
      }
      return request
    })
  }

  async clear(): Promise<void> {
    await this.#run('readwrite', (pieces) => pieces.clear())
  }

  /** Resolves when the transaction is complete. */
  async #run<T>(mode: IDBTransactionMode, ask: (pieces: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await (this.#database ??= this.#open())
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(PIECES, mode)
      const request = ask(transaction.objectStore(PIECES))
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(transaction.error ?? new Error('The browser has ended the transaction'))
    })
  }

  #open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = this.#factory().open(NAME, 1)
      request.onupgradeneeded = () => {
        const pieces = request.result.createObjectStore(PIECES, { keyPath: ['page', 'tab', 'number'] })
        pieces.createIndex(BY_TIME, 'savedAtMs')
      }
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('The browser has no room for frames'))
    })
  }
}
