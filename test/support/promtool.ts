/** Prometheus' own check of metrics and rules. */
import { spawnSync } from 'node:child_process'
import { findProgram, missing, promtool } from '../../scripts/programs.mjs'

/** Returns its exit code and all that it says. */
export function runPromtool(
  args: readonly string[],
  input = '',
): { readonly code: number | null; readonly output: string } {
  const program = findProgram(promtool)
  if (!program) throw missing(promtool)
  const { status, stdout, stderr } = spawnSync(program.path, args, { input, encoding: 'utf8' })
  return { code: status, output: stdout + stderr }
}
