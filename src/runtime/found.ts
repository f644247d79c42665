/** Finds the runtime that this process runs on, and loads what the bridge needs of it. */

/** Returns the module of the runtime: Node's too where it is none that is known. */
export function importRuntime() {
  if ('Bun' in globalThis) return import('./bun.ts')
  if ('Deno' in globalThis) return import('./deno.ts')
  return import('./node.ts')
}
