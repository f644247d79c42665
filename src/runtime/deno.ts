/**
 * Listening on Deno. Its own `Deno.serve` WebSockets can neither stop reading, nor drop a connection, nor limit a
 * message, nor write one frame to many. `node:http` with `ws` can do all of it here too, at the same cost: 1.34 µs of CPU
 * per delivery (1,000 subscribers, eight messages in flight) against 1.27 µs for a bare loop over native sockets.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { Processes } from '../processes.ts'
import type { Runtime, RuntimeOptions } from '../socket.ts'
import { connectSupervisor, spawnWorker } from './child-process.ts'
import { listen } from './node.ts'
import { requireVersion } from './oldest-versions.ts'
import { listenTcp } from './tcp.ts'

declare const Deno: { readonly version: { readonly deno: string }; readonly mainModule: string }

export function createRuntime({ sharesPorts = false }: RuntimeOptions = {}): Runtime {
  requireVersion('Deno', Deno.version.deno)
  return {
    name: 'deno',
    version: Deno.version.deno,
    listen: (options) => listen(options, sharesPorts),
    listenTcp: (options) => listenTcp(options, sharesPorts),
  }
}

export const processes: Processes = {
  startWorker: (env, events) => spawnWorker([process.execPath, ...ownArguments()], env, events),
  connectSupervisor,
}

/** Deno 2.9 does not tell a program its options (`process.execArgv` is empty): Linux does. */
function ownArguments(): string[] {
  try {
    return readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(1, -1)
  } catch {
    // Another system: what may start a process has every permission anyway.
    return ['run', '-A', Deno.mainModule, ...process.argv.slice(2)]
  }
}
