/**
 * Owns the command `healthcheck`: asks the bridge that a configuration describes, as a container or a supervisor does
 * that has no other program to ask with. Called by main.
 */
import type { CommandResult } from './access-commands.ts'
import type { Config } from './config.ts'
import { requestLocally } from './runtime/local-request.ts'

/** What may be asked for, and also the path that is asked. */
const PROBES = ['health', 'ready']

/** Whoever has called has a limit too, usually of some seconds, and learns more from an answer. */
const TIMEOUT_MS = 2500
const MAX_SHOWN = 300

/**
 * Asks the bridge on this machine that has this configuration. The answer is 1 also where there is none, and 2 where it
 * cannot be told.
 *
 * Errors: rejects with what `load` throws.
 */
export async function healthcheck(load: () => Config, probe = 'health'): Promise<CommandResult> {
  if (!PROBES.includes(probe)) {
    return { output: `There is no probe "${probe}", only ${PROBES.join(', ')}.\n`, exitCode: 2 }
  }
  const { server } = load()
  if (server.port === 0) {
    return {
      output: 'Nobody can say where the bridge listens: server.port is 0, which is any free port\n',
      exitCode: 2,
    }
  }
  const url = `${isTls(server) ? 'https' : 'http'}://${reachableHost(server.host)}:${server.port}/${probe}`
  try {
    const { status, body } = await requestLocally(url, TIMEOUT_MS)
    return { output: `${status} ${body.trim().slice(0, MAX_SHOWN)}\n`, exitCode: status === 200 ? 0 : 1 }
  } catch (error) {
    return { output: `${url} does not answer: ${(error as Error).message}\n`, exitCode: 1 }
  }
}

function isTls({ tls }: Config['server']): boolean {
  return tls.certFile !== undefined
}

/** An address to listen on may be every one, which cannot be called. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
