#!/usr/bin/env node
/**
 * Owns the command line: arguments, environment, configuration file, output and exit codes. It runs one command, and leaves
 * serving to src/serving/. With several workers it is run once more for each of them.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { CommandResult } from './access-commands.ts'
import { checkedConfig, helpText, printedConfig, settingsText, unreadableFile } from './cli.ts'
import { parseCommandLine, type ClientCommand, type CommandLine } from './command-line.ts'
import { CONFIG_FILE_VARIABLE, configJsonSchema, loadConfig, type Config, type ConfigSources } from './config.ts'
import { HELP_ON } from './help-topics.ts'
import { readLine } from './line-input.ts'
import { Reloads } from './reloading.ts'
import { serveAlone } from './serving/alone.ts'
import { isWorker, serveAsWorker } from './serving/as-worker.ts'
import { loggerFor } from './serving/serve.ts'
import { supervise } from './serving/supervise.ts'
import { readCollector } from './tracing/collector.ts'
import { version } from './version.ts'

const DEFAULT_FILES = ['bridge.yaml', 'bridge.yml', 'bridge.json']
const EXIT_FAILURE = 1
const EXIT_USAGE = 2

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
      const { checkConfigFiles } = await import('./config-files.ts')
      const warnings = checkConfigFiles(config)
      return print(checkedConfig(sources, config, [...warnings, ...readCollector(process.env).problems]))
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
      if (isWorker(process.env)) return serveAsWorker()
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
