#!/usr/bin/env node
/**
 * Owns the process: arguments, environment, configuration file, runtime, signals and exit codes. It puts the bridge
 * together with the runtime it finds itself on, and knows nothing of what the bridge does.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import packageJson from '../package.json' with { type: 'json' }
import { banner, startFailure } from './banner.ts'
import type { Bridge } from './bridge.ts'
import { checkedConfig, helpText, parseCommandLine, printedConfig, settingsText, type CommandLine } from './cli.ts'
import { CONFIG_FILE_VARIABLE, configJsonSchema, loadConfig, type Config, type ConfigSources } from './config.ts'
import type { Log } from './log.ts'
import { createLogger } from './logger.ts'
import type { Runtime } from './socket.ts'

const { version } = packageJson

const DEFAULT_FILES = ['bridge.yaml', 'bridge.yml', 'bridge.json']
const EXIT_FAILURE = 1
const EXIT_USAGE = 2

/** Signals this soon after the first are the same Ctrl+C, which a terminal and npm both deliver. */
const SAME_SIGNAL_MS = 100

/** Runs one command. Errors: throws what the person at the terminal has to read. */
async function run(commandLine: CommandLine): Promise<void> {
  switch (commandLine.command) {
    case 'help':
      return print(commandLine.topic === 'settings' ? settingsText() : helpText(version))
    case 'version':
      return print(`${version}\n`)
    case 'config-schema':
      return print(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
    case 'check-config': {
      const sources = configSources(commandLine)
      loadConfig(sources)
      return print(checkedConfig(sources))
    }
    case 'print-config':
      return print(printedConfig(loadConfig(configSources(commandLine))))
    case 'serve':
      return serve(loadConfig(configSources(commandLine)))
  }
}

function configSources({ configFile, options }: CommandLine): ConfigSources {
  const path = configFile ?? (process.env[CONFIG_FILE_VARIABLE] || undefined)
  const file = path === undefined ? firstDefaultFile() : readConfigFile(path)
  if (path !== undefined && !file) throw new Error(`Cannot read the configuration file "${path}": it does not exist`)
  return { file, env: process.env, options }
}

function firstDefaultFile(): ConfigSources['file'] {
  for (const path of DEFAULT_FILES) {
    const file = readConfigFile(path)
    if (file) return file
  }
  return undefined
}

function readConfigFile(path: string): ConfigSources['file'] {
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Error(`Cannot read the configuration file "${path}": ${message}`, { cause })
  }
}

async function serve(config: Config): Promise<void> {
  const log = createLogger(config.log, {
    isTerminal: process.stderr.isTTY === true,
    hasColours: process.stderr.isTTY === true && !process.env['NO_COLOR'],
  })
  let isStopping = false
  try {
    // Only here: the other commands need neither the bridge nor a runtime.
    const [{ createBridge }, runtime] = await Promise.all([import('./bridge.ts'), createRuntime()])
    const bridge = createBridge({ config, log, runtime, version })
    onStopSignal((signal) => {
      isStopping = true
      void stop(bridge, config, log, signal)
    })
    const address = await bridge.start()
    if (!isStopping) print(banner(address, { version, runtime, config }))
  } catch (error) {
    // A start that a signal cut short has not failed.
    if (isStopping) return
    log.debug({ err: error }, 'Cannot start')
    throw new Error(startFailure(error, config), { cause: error })
  }
}

/** Calls back on the first SIGTERM or SIGINT; the second ends the process at once. */
function onStopSignal(callback: (signal: string) => void): void {
  let since: number | undefined
  const receive = (signal: string) => {
    if (since === undefined) {
      since = performance.now()
      callback(signal)
    } else if (performance.now() - since > SAME_SIGNAL_MS) {
      process.exit(EXIT_FAILURE)
    }
  }
  process.on('SIGTERM', receive)
  process.on('SIGINT', receive)
}

/** Ends the process with exit code 0 when the bridge has closed, at the latest when the deadline has passed. */
async function stop(bridge: Bridge, { shutdown }: Config, log: Log, signal: string): Promise<void> {
  log.info({ signal }, 'Stopping')
  setTimeout(() => process.exit(0), shutdown.deadlineMs)
  try {
    await bridge.close()
    log.info({}, 'Stopped')
  } catch (error) {
    log.error({ err: error }, 'Cannot stop cleanly')
  }
  process.exit(0)
}

async function createRuntime(): Promise<Runtime> {
  if ('Bun' in globalThis) return (await import('./runtime/bun.ts')).createRuntime()
  if ('Deno' in globalThis) return (await import('./runtime/deno.ts')).createRuntime()
  return (await import('./runtime/node.ts')).createRuntime()
}

function print(text: string): void {
  process.stdout.write(text)
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}

const commandLine = parseCommandLine(process.argv.slice(2))
if ('problem' in commandLine) fail(commandLine.problem, EXIT_USAGE)
else run(commandLine).catch((error: unknown) => fail((error as Error).message, EXIT_FAILURE))
