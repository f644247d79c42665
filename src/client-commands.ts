/** Runs the commands that are clients of a server: `tail` and `send`. */
import { readFileSync } from 'node:fs'
import type { ArgumentProblem } from './arguments.ts'
import type { ClientCommand } from './command-line.ts'
import { flushed, processTerminal } from './process-terminal.ts'
import { clientSockets } from './runtime/client-socket.ts'
import { readSendOptions, readTailOptions } from './terminal/options.ts'
import { send } from './terminal/send.ts'
import { findServer, type Secrets } from './terminal/server.ts'
import { tail } from './terminal/tail.ts'
import type { ExitCode } from './terminal/terminal.ts'

/**
 * Returns the exit code when the command is over, or what is wrong with its arguments. Errors: rejects with what the
 * person at the terminal has to read.
 */
export async function runClientCommand(
  command: ClientCommand,
  argv: readonly string[],
  secrets: Secrets,
): Promise<ExitCode | ArgumentProblem> {
  const read = { tail: () => readTailOptions(argv, Date.now()), send: () => readSendOptions(argv) }
  const options = read[command]()
  if ('problem' in options) return options
  const terminal = processTerminal(await clientSockets())
  const server = findServer(options, secrets, readText, terminal)
  const code = 'destinations' in options ? await tail(options, server, terminal) : await send(options, server, terminal)
  await flushed()
  return code
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`Cannot read the profile "${path}": ${(cause as Error).message}`, { cause })
  }
}
