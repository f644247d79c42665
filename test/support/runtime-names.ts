/** The runtimes that the bridge is tested on. On its own, because vitest's configuration reads it. */
export const RUNTIMES = ['bun', 'deno', 'node'] as const

export type RuntimeName = (typeof RUNTIMES)[number]
