#!/usr/bin/env node
/**
 * Owns the process: arguments, environment, configuration file, runtime, signals and exit codes. It puts the bridge
 * together with the runtime it finds itself on, and knows nothing of what the bridge does. With several workers it is
 * run once more for each of them, and the first process only supervises.
 */
import { closeSync, openSync, readFileSync } from 'node:fs'
import process from 'node:process'
import packageJson from '../package.json' with { type: 'json' }
import { banner, startFailure } from './banner.ts'
import type { Bridge, BridgeAddress, BridgeOptions } from './bridge-api.ts'
import type { CommandResult } from './access-commands.ts'
import { checkedConfig, helpText, printedConfig, settingsText, unreadableFile } from './cli.ts'
import { systemClock } from './clock.ts'
import { parseCommandLine, type ClientCommand, type CommandLine } from './command-line.ts'
import {
  COMMIT_VARIABLE,
  CONFIG_FILE_VARIABLE,
  configJsonSchema,
  loadConfig,
  parseConfig,
  planReload,
  type Config,
  type ConfigSources,
} from './config.ts'
import { HELP_ON } from './help-topics.ts'
import { readLine } from './line-input.ts'
import { createLogger, type Logger } from './logger.ts'
import { onNpxGone } from './npx.ts'
import { Reloads, type Outcome } from './reloading.ts'
import type { Runtime } from './socket.ts'
import { readCollector } from './tracing/collector.ts'
import { openTraces } from './tracing/open-traces.ts'
import type { OtlpTraces } from './tracing/otlp.ts'
import type { WorkerLife } from './workers/worker.ts'

const { version } = packageJson

const DEFAULT_FILES = ['bridge.yaml', 'bridge.yml', 'bridge.json']
const EXIT_FAILURE = 1
const EXIT_USAGE = 2
/** Those that a terminal sends to every process in it, workers too. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGHUP']
const STOP_SIGNALS = ['SIGTERM', 'SIGINT']
/** Sent for a reload, and by a terminal that is closed. */
const HANGUP = 'SIGHUP'
/** Sent to let new workers take the places of all, or of the one that gets it. */
const RESTART = 'SIGUSR2'

/** Set by a supervisor for its workers. */
const WORKER_VARIABLE = 'STOMP_BRIDGE_WORKER'

/** How long the last spans may take, in milliseconds. */
const LAST_SPANS_MS = 1000

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
      const config = loadConfig(sources)
      const { checkCertificates } = await import('./certificates.ts')
      const certificates = checkCertificates({ 'server.tls': config.server.tls, 'tcp.tls': config.tcp.tls })
      return print(checkedConfig(sources, config, [...certificates, ...readCollector(process.env).problems]))
    }
    case 'print-config':
      return print(printedConfig(loadConfig(configSources(commandLine))))
    case 'explain':
    case 'check-token':
    case 'gen-token':
    case 'gen-api-key':
    case 'hash-password':
      return finish(await accessCommand(commandLine))
    case 'tail':
    case 'send':
      return clientCommand(commandLine.command, commandLine.words)
    case 'healthcheck': {
      const { healthcheck } = await import('./healthcheck.ts')
      return finish(await healthcheck(() => loadConfig(configSources(commandLine)), commandLine.words?.[0]))
    }
    case 'serve': {
      if (process.env[WORKER_VARIABLE]) return serveAsWorker()
      const sources = configSources(commandLine)
      const config = loadConfig(sources)
      const log = loggerFor(config)
      const reloads = new Reloads(log)
      const load = (): Config => loadConfig({ ...configSources(commandLine, sources.file), refusesEmptyFile: true })
      const processOf = config.server.workers > 1 ? supervise : serveAlone
      return processOf(config, log, reloads, load)
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

/** Ends the process: a server that does not answer must not keep it. */
async function clientCommand(command: ClientCommand, argv: readonly string[] = []): Promise<void> {
  const { runClientCommand } = await import('./client-commands.ts')
  const secrets = { passcode: process.env['STOMP_PASSCODE'], token: process.env['STOMP_TOKEN'] }
  const result = await runClientCommand(command, argv, secrets)
  if (typeof result === 'number') process.exit(result)
  fail(result.problem, EXIT_USAGE)
}

/** What cannot be told is no answer: nothing of it goes where an answer is read. */
function finish({ output, exitCode }: CommandResult): void {
  if (exitCode === EXIT_USAGE) process.stderr.write(output)
  else print(output)
  process.exitCode = exitCode
}

/** `before`: the file that was read at the start, which has to be there again. */
function configSources({ configFile, options }: CommandLine, before?: ConfigSources['file']): ConfigSources {
  const path = before?.path ?? configFile ?? (process.env[CONFIG_FILE_VARIABLE] || undefined)
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

/** How a process serves: as one of several workers, or alone. */
interface Serving {
  /** It is one of several. */
  readonly life?: WorkerLife
  /** The bridge runs. */
  started(bridge: Bridge, address: BridgeAddress, runtime: Runtime): void
  stopping(): void
  /** Calls back on a signal to stop. */
  onStopSignal(stop: (signal: string) => void): void
}

/** Serves, and takes on what the configuration says later. */
function serveAlone(config: Config, log: Logger, reloads: Reloads, load: () => Config): Promise<void> {
  return serve(config, log, {
    started(bridge, address, runtime) {
      print(banner(address, { version, runtime, config }))
      reloads.begin(() => bridge.reload(load))
    },
    stopping: () => reloads.end(),
    onStopSignal(stop) {
      const receive = onStopSignal(stop)
      onHangup(() => reloads.ask(), receive)
      process.on(RESTART, () =>
        log.warn({}, 'SIGUSR2 replaces workers: with server.workers 1 there is none to take over'),
      )
    },
  })
}

async function serve(config: Config, log: Logger, serving: Serving): Promise<void> {
  const { life } = serving
  let isStopping = false
  try {
    // Only here: the other commands need neither the bridge nor a runtime.
    const [{ createBridge }, { createRuntime }] = await Promise.all([import('./bridge.ts'), importRuntime()])
    const runtime = createRuntime({ sharesPorts: life !== undefined })
    const debuggerFiles = config.debugger.enabled ? await loadDebuggerFiles(log) : {}
    const traces = await openTraces(process.env, { version, log })
    const bridge = createBridge({
      config,
      log,
      runtime,
      version,
      ...(traces && { tracerProvider: traces.provider, spansDropped: () => traces.dropped }),
      commit: process.env[COMMIT_VARIABLE],
      debuggerFiles,
      onLogLevel: (level) => void (log.level = level),
      ...(life ? { together: life } : {}),
    })
    const stopOnce = (reason: object, handOverMs?: number) => {
      if (!isStopping) void stop({ bridge, config, log, traces }, reason, handOverMs)
      isStopping = true
      serving.stopping()
    }
    serving.onStopSignal((signal) => stopOnce({ signal }))
    life?.onStop((reason, handOverMs) => stopOnce({ reason }, handOverMs))
    const address = await bridge.start()
    if (!isStopping) serving.started(bridge, address, runtime)
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
    await serve(config, loggerFor(config).child({ worker }), {
      life,
      started(bridge, address) {
        life.onReload(async (next) => {
          const done = bridge.reload(() => {
            if (next === undefined) throw new Error('The configuration cannot be used')
            return parseConfig(next)
          })
          // Of what cannot be used the bridge only takes note.
          await (next === undefined ? done.catch(() => {}) : done)
        })
        life.started(address, bridge)
        onRestart(() => life.askToBeReplaced())
      },
      stopping() {},
      // What a terminal sends to it too is for its supervisor.
      onStopSignal: (stop) => void onStopSignal(stop, { signals: ['SIGTERM'] }),
    })
  } catch (error) {
    await life.failed((error as Error).message)
    process.exit(EXIT_FAILURE)
  }
}

/** Runs the workers, on ports that it has found for them. */
async function supervise(config: Config, log: Logger, reloads: Reloads, load: () => Config): Promise<void> {
  const { server, tcp, shutdown } = config
  const [{ Supervisor }, { findPorts }, { createRuntime, processes }] = await Promise.all([
    import('./workers/supervisor.ts'),
    import('./runtime/ports.ts'),
    importRuntime(),
  ])
  const runtime = createRuntime()
  const [port, tcpPort = tcp.port] = await findPorts(tcp.enabled ? [server, tcp] : [server]).catch((error: unknown) => {
    throw new Error(startFailure(error, config), { cause: error })
  })
  const withPorts = (current: Config): Config => ({
    ...current,
    server: { ...current.server, port: port! },
    tcp: { ...current.tcp, port: tcpPort },
  })
  const supervisor = new Supervisor(
    { workers: server.workers, config: withPorts(config), deadlineMs: shutdown.deadlineMs },
    (events) => processes.startWorker({ ...process.env, [WORKER_VARIABLE]: '1' }, events),
    systemClock,
    log,
  )
  const stop = (signal: string) => {
    log.info({ signal }, 'Stopping')
    reloads.end()
    supervisor.stop()
  }
  const receive = onStopSignal(stop, { again: () => supervisor.kill() })
  onHangup(() => reloads.ask(), receive)
  let inForce = config
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    last = done.catch(() => {}) // for whoever has asked
    return done
  }
  const reload = async (): Promise<Outcome> => {
    try {
      const plan = planReload(inForce, load())
      await supervisor.reload(withPorts(plan.config))
      inForce = plan.config
      log.level = inForce.log.level
      return plan
    } catch (error) {
      supervisor.reloadFailed()
      throw error
    }
  }
  /** Where they listen, and how many they are, is the supervisor's own. */
  const withPlaces = (next: Config): Config => ({
    ...next,
    server: { ...next.server, host: server.host, port: server.port, workers: server.workers },
    tcp: { ...next.tcp, enabled: tcp.enabled, host: tcp.host, port: tcp.port },
  })
  const restart = async (): Promise<void> => {
    try {
      log.info({}, 'Replacing the workers, one after the other')
      const next = withPlaces(load())
      await supervisor.restart(withPorts(next))
      inForce = next
      log.info({}, 'The workers were replaced')
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'The workers were not all replaced: those that were not go on')
    }
  }
  onRestart(() => void inTurn(restart))
  await supervisor.run((address) => {
    print(banner(address as BridgeAddress, { version, runtime, config }))
    reloads.begin(() => inTurn(reload))
  })
  log.info({}, 'Stopped')
  process.exit(0)
}

function loggerFor({ log }: Config): Logger {
  return createLogger(log, {
    isTerminal: process.stderr.isTTY === true,
    hasColours: process.stderr.isTTY === true && !process.env['NO_COLOR'],
  })
}

/** Calls back on the first of these signals; another one ends the process at once. Returns what takes one more signal as such. */
function onStopSignal(
  callback: (signal: string) => void,
  { signals = STOP_SIGNALS, again = () => {} }: { signals?: readonly string[]; again?: () => void } = {},
): (signal: string) => void {
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
  const isOfNpx = process.env['npm_lifecycle_event'] === 'npx'
  if (isOfNpx && signals === STOP_SIGNALS) onNpxGone(() => since ?? receive('SIGTERM'))
  return receive
}

/** Calls back on SIGHUP: `reload`, or `stop` if it says that the terminal of this process was closed. */
function onHangup(reload: () => void, stop: (signal: string) => void): void {
  const hadTerminal = hasTerminal()
  process.on(HANGUP, () => {
    // Windows sends it only when a console is closed.
    const isClosed = process.platform === 'win32' || (hadTerminal && !hasTerminal())
    if (isClosed) stop(HANGUP)
    else reload()
  })
}

/** Calls back on SIGUSR2, which Windows does not have. */
function onRestart(callback: () => void): void {
  if (process.platform !== 'win32') process.on(RESTART, callback)
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

/** What is stopped, and what it is stopped by. */
interface Running {
  readonly bridge: Bridge
  readonly config: Config
  readonly log: Logger
  readonly traces: OtlpTraces | undefined
}

/** Ends the process with exit code 0 when the bridge has closed, at the latest when the deadline has passed. */
async function stop({ bridge, config, log, traces }: Running, reason: object, handOverMs?: number): Promise<void> {
  const { shutdown } = config
  log.info(reason, 'Stopping')
  setTimeout(() => process.exit(0), shutdown.deadlineMs + (handOverMs ?? 0))
  try {
    await bridge.close({ handOverMs })
    await traces?.close(LAST_SPANS_MS)
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

/** Of commands that answer yes or no, 1 is a no; of those that are clients, a no of the server. */
function failureCode({ command }: CommandLine): number {
  const answers = ['explain', 'check-token', 'tail', 'send', 'healthcheck']
  return answers.includes(command) ? EXIT_USAGE : EXIT_FAILURE
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}

const commandLine = parseCommandLine(process.argv.slice(2))
if ('problem' in commandLine) fail(commandLine.problem, EXIT_USAGE)
else run(commandLine).catch((error: unknown) => fail((error as Error).message, failureCode(commandLine)))
