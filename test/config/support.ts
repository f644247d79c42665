/** What the configuration tests share: the problem lines of a call that must fail. */
import { ConfigError, loadConfig, type ConfigProblem, type ConfigSources } from '../../src/config.ts'

/** Returns the problems that `attempt` throws as a ConfigError; anything else fails the test. */
export function problemsOf(attempt: () => unknown): readonly ConfigProblem[] {
  try {
    attempt()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  throw new Error('Expected a ConfigError, but all was accepted')
}

export function linesOf(attempt: () => unknown): string[] {
  return problemsOf(attempt).map((problem) => problem.line)
}

/** Loads a file of this text, with this environment. */
export function load(text: string, env: ConfigSources['env'] = {}) {
  return loadConfig({ file: { path: 'bridge.yaml', text }, env })
}
