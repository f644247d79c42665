/**
 * Listening on Deno. Its own `Deno.serve` WebSockets can neither stop reading, nor drop a connection, nor limit a
 * message, nor write one frame to many; `node:http` with `ws` can do all of it here too, and is measured faster.
 */
import type { Runtime } from '../socket.ts'
import { listen } from './node.ts'
import { listenTcp } from './tcp.ts'

declare const Deno: { readonly version: { readonly deno: string } }

export function createRuntime(): Runtime {
  return { name: 'deno', version: Deno.version.deno, listen, listenTcp }
}
