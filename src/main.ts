#!/usr/bin/env node
/**
 * Owns the process: arguments, environment, configuration file, runtime, signals and exit codes. It puts the bridge
 * together with the runtime it finds itself on, and knows nothing of what the bridge does. With several workers it is
 * run once more for each of them, and the first process only supervises.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import packageJson from '../package.json' with { type: 'json' }
import { banner, startFailure } from './banner.ts'
import type { Bridge, BridgeAddress, BridgeOptions } from './bridge.ts'
import type { CommandResult } from './access-commands.ts'
import { checkedConfig, helpText, printedConfig, settingsText, unreadableFile } from './cli.ts'
import { systemClock } from './clock.ts'
import { parseCommandLine, type CommandLine } from './command-line.ts'
import {
  CONFIG_FILE_VARIABLE,
  configJsonSchema,
  loadConfig,
  parseConfig,
  type Config,
  type ConfigSources,
} from './config.ts'
import { HELP_ON } from './help-topics.ts'
import { readLine } from './line-input.ts'
import { createLogger, type Logger } from './logger.ts'
import type { WorkerLife } from './workers/worker.ts'

const { version } = packageJson

const DEFAULT_FILES = ['bridge.yaml', 'bridge.yml', 'bridge.json']
const EXIT_FAILURE = 1
const EXIT_USAGE = 2
/** Those that a terminal sends to every process in it, workers too. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGHUP']
const STOP_SIGNALS = ['SIGTERM', ...TERMINAL_SIGNALS]

/** Set by a supervisor for its workers. */
const WORKER_VARIABLE = 'STOMP_BRIDGE_WORKER'

/** Signals this soon after the first are the same Ctrl+C, which a terminal and npm both deliver. */
const SAME_SIGNAL_MS = 100

/** Runs one command. Errors: throws what the person at the terminal has to read. */
async function run(commandLine: CommandLine): Promise<void> {
  switch (commandLine.command) {
    case 'help':
      return print(helpOn(commandLine.topic))
    case 'version':
      return print(`${version}\n`)
    case 'config-schema':
      return print(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
    case 'check-config': {
      const sources = configSources(commandLine)
      return print(checkedConfig(sources, loadConfig(sources)))
    }
    case 'print-config':
      return print(printedConfig(loadConfig(configSources(commandLine))))
    case 'explain':
    case 'check-token':
    case 'gen-token':
    case 'gen-api-key':
    case 'hash-password':
      return finish(await accessCommand(commandLine))
    case 'serve': {
      if (process.env[WORKER_VARIABLE]) return serveAsWorker()
      const config = loadConfig(configSources(commandLine))
      return config.server.workers > 1 ? supervise(config) : serve(config, loggerFor(config))
    }
  }
}

function helpOn(topic: CommandLine['topic']): string {
  if (topic === undefined) return helpText(version)
  return topic === 'settings' ? settingsText() : HELP_ON[topic]
}

async function accessCommand(commandLine: CommandLine): Promise<CommandResult> {
  const { command, words = [], someone = { user: undefined }, ttlSeconds } = commandLine
  const [commands, { checkToken, explainRules }, { hashPassword }] = await Promise.all([
    import('./access-commands.ts'),
    import('./access-answers.ts'),
    import('./access/passwords.ts'),
  ])
  const loaded = (): Config => loadConfig(configSources(commandLine))
  switch (command) {
    case 'explain':
      return commands.explainCommand(loaded(), someone, words, explainRules)
    case 'check-token':
      return commands.checkTokenCommand(loaded(), words[0] ?? (await readLine('Token')), checkToken)
    case 'gen-token':
      return commands.genTokenCommand(loaded(), someone, ttlSeconds)
    case 'gen-api-key':
      return commands.genApiKeyCommand(words[0])
    default:
      return commands.hashPasswordCommand(await readLine('Password'), hashPassword)
  }
}

/** What cannot be told is no answer: nothing of it goes where an answer is read. */
function finish({ output, exitCode }: CommandResult): void {
  if (exitCode === EXIT_USAGE) process.stderr.write(output)
  else print(output)
  process.exitCode = exitCode
}

function configSources({ configFile, options }: CommandLine): ConfigSources {
  const path = configFile ?? (process.env[CONFIG_FILE_VARIABLE] || undefined)
  const file = path === undefined ? firstDefaultFile() : readConfigFile(path)
  if (path !== undefined && !file) throw new Error(unreadableFile(path, 'ENOENT'))
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
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Error(unreadableFile(path, code), { cause })
  }
}

/** `life`: this process is one of several workers. */
async function serve(config: Config, log: Logger, life?: WorkerLife): Promise<void> {
  let isStopping = false
  try {
    // Only here: the other commands need neither the bridge nor a runtime.
    const [{ createBridge }, { createRuntime }] = await Promise.all([import('./bridge.ts'), importRuntime()])
    const runtime = createRuntime({ sharesPorts: life !== undefined })
    const debuggerFiles = config.debugger.enabled ? await loadDebuggerFiles(log) : {}
    const bridge = createBridge({
      config,
      log,
      runtime,
      version,
      debuggerFiles,
      ...(life ? { together: life } : {}),
    })
    const stopOnce = (reason: object) => {
      if (!isStopping) void stop(bridge, config, log, reason)
      isStopping = true
    }
    // A worker leaves what a terminal sends to it too to its supervisor.
    onStopSignal((signal) => stopOnce({ signal }), { signals: life ? ['SIGTERM'] : STOP_SIGNALS })
    life?.onStop((reason) => stopOnce({ reason }))
    const address = await bridge.start()
    if (isStopping) return
    if (life) life.started(address, bridge)
    else print(banner(address, { version, runtime, config }))
  } catch (error) {
    // A start that a signal cut short has not failed.
    if (isStopping) return
    log.debug({ err: error }, 'Cannot start')
    throw new Error(startFailure(error, config), { cause: error })
  }
}

/** Without its page the bridge serves all the same, and says where the page would be how to build it. */
async function loadDebuggerFiles(log: Logger): Promise<NonNullable<BridgeOptions['debuggerFiles']>> {
  try {
    return (await import('../web-debugger/built/assets.js')).assets
  } catch (error) {
    log.debug({ err: error }, 'The web debugger is not built')
    return {}
  }
}

/** Serves as the worker that a supervisor says, which also hears why it could not. */
async function serveAsWorker(): Promise<void> {
  const [{ WorkerLife }, { processes }] = await Promise.all([import('./workers/worker.ts'), importRuntime()])
  for (const signal of TERMINAL_SIGNALS) process.on(signal, () => {})
  const life = new WorkerLife((events) => processes.connectSupervisor(events), systemClock)
  life.onStop(() => process.exit(0))
  try {
    const { worker, config: given } = await life.assignment
    const config = parseConfig(given)
    await serve(config, loggerFor(config).child({ worker }), life)
  } catch (error) {
    await life.failed((error as Error).message)
    process.exit(EXIT_FAILURE)
  }
}

/** Runs the workers, on ports that it has found for them. */
async function supervise(config: Config): Promise<void> {
  const { server, tcp, shutdown } = config
  const log = loggerFor(config)
  const [{ Supervisor }, { findPorts }, { createRuntime, processes }] = await Promise.all([
    import('./workers/supervisor.ts'),
    import('./runtime/ports.ts'),
    importRuntime(),
  ])
  const [port, tcpPort = tcp.port] = await findPorts(tcp.enabled ? [server, tcp] : [server]).catch((error: unknown) => {
    throw new Error(startFailure(error, config), { cause: error })
  })
  const shared = { ...config, server: { ...server, port }, tcp: { ...tcp, port: tcpPort } }
  const supervisor = new Supervisor(
    { workers: server.workers, config: shared, deadlineMs: shutdown.deadlineMs },
    (events) => processes.startWorker({ ...process.env, [WORKER_VARIABLE]: '1' }, events),
    systemClock,
    log,
  )
  const receive = (signal: string) => {
    log.info({ signal }, 'Stopping')
    supervisor.stop()
  }
  onStopSignal(receive, { again: () => supervisor.kill() })
  await supervisor.run((address) =>
    print(banner(address as BridgeAddress, { version, runtime: createRuntime(), config })),
  )
  log.info({}, 'Stopped')
  process.exit(0)
}

function loggerFor({ log }: Config): Logger {
  return createLogger(log, {
    isTerminal: process.stderr.isTTY === true,
    hasColours: process.stderr.isTTY === true && !process.env['NO_COLOR'],
  })
}

/** Calls back on the first of these signals; another one ends the process at once. */
function onStopSignal(
  callback: (signal: string) => void,
  { signals = STOP_SIGNALS, again = () => {} }: { signals?: readonly string[]; again?: () => void } = {},
): void {
  let since: number | undefined
  const receive = (signal: string) => {
    if (since === undefined) {
      since = performance.now()
      callback(signal)
    } else if (performance.now() - since > SAME_SIGNAL_MS) {
      again()
      process.exit(EXIT_FAILURE)
    }
  }
  for (const signal of signals) process.on(signal, receive)
}

/** Ends the process with exit code 0 when the bridge has closed, at the latest when the deadline has passed. */
async function stop(bridge: Bridge, { shutdown }: Config, log: Logger, reason: object): Promise<void> {
  log.info(reason, 'Stopping')
  setTimeout(() => process.exit(0), shutdown.deadlineMs)
  try {
    await bridge.close()
    log.info({}, 'Stopped')
  } catch (error) {
    log.error({ err: error }, 'Cannot stop cleanly')
  }
  process.exit(0)
}

function importRuntime() {
  if ('Bun' in globalThis) return import('./runtime/bun.ts')
  if ('Deno' in globalThis) return import('./runtime/deno.ts')
  return import('./runtime/node.ts')
}

function print(text: string): void {
  process.stdout.write(text)
}

/** Of commands that answer yes or no, 1 is a no. */
function failureCode({ command }: CommandLine): number {
  return command === 'explain' || command === 'check-token' ? EXIT_USAGE : EXIT_FAILURE
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}

const commandLine = parseCommandLine(process.argv.slice(2))
if ('problem' in commandLine) fail(commandLine.problem, EXIT_USAGE)
else run(commandLine).catch((error: unknown) => fail((error as Error).message, failureCode(commandLine)))
