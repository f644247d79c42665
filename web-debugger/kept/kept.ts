/** What components know of what is kept. */
import type { ReadonlySignal } from '@preact/signals'

export interface Kept {
  /** Why not all is kept, in words. */
  readonly problem: ReadonlySignal<string | undefined>
  /** Takes away all that the page has kept in this browser, and loads it anew. */
  readonly forget: () => Promise<void>
}
