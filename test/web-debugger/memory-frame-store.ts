/** A store of frames that can be looked into, and refuses when the test says so. */
import type { FrameStore, KeptPiece } from '../../web-debugger/kept/frame-store.ts'

export class MemoryFrameStore implements FrameStore {
  pieces: KeptPiece[] = []
  /** What every call rejects with. */
  refusal: Error | undefined

  async load(page: string): Promise<readonly KeptPiece[]> {
    await this.#turn()
    return structuredClone(this.pieces.filter((piece) => piece.page === page))
  }
  async put(piece: KeptPiece): Promise<void> {
    const copy = structuredClone(piece)
    await this.#turn()
    this.pieces.push(copy)
  }
  async remove(page: string, tab: string, upTo: number): Promise<void> {
    await this.#turn()
    this.pieces = this.pieces.filter((each) => each.page !== page || each.tab !== tab || each.number > upTo)
  }
  async removeBefore(savedAtMs: number): Promise<void> {
    await this.#turn()
    this.pieces = this.pieces.filter((each) => each.savedAtMs >= savedAtMs)
  }
  async clear(): Promise<void> {
    await this.#turn()
    this.pieces = []
  }

  async #turn(): Promise<void> {
    await Promise.resolve()
    if (this.refusal) throw this.refusal
  }
}
