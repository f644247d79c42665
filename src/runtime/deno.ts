/**
 * Listening on Deno. Its own `Deno.serve` WebSockets can neither stop reading, nor drop a connection, nor limit a
 * message, nor write one frame to many. `node:http` with `ws` can do all of it here too, at the same cost: 1.34 µs of CPU
 * per delivery (1,000 subscribers, eight messages in flight) against 1.27 µs for a bare loop over native sockets.
 */
import type { Runtime } from '../socket.ts'
import { listen } from './node.ts'
import { listenTcp } from './tcp.ts'

declare const Deno: { readonly version: { readonly deno: string } }

export function createRuntime(): Runtime {
  return { name: 'deno', version: Deno.version.deno, listen, listenTcp }
}
