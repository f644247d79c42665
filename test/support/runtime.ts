/**
 * The runtime that an end-to-end suite tests. Each such file runs in three projects of `vitest.config.ts`, `e2e-bun`,
 * `e2e-deno` and `e2e-node`, and asks here which one it is in.
 */
import { inject } from 'vitest'
import type { RuntimeName } from './runtime-names.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    runtime: RuntimeName
  }
}

export const runtime: RuntimeName = inject('runtime')

// Other projects provide none, and a suite would pass on a runtime that nobody has chosen.
if (!runtime) throw new Error('This file is not in a project of one runtime: see the projects in vitest.config.ts')
