/** The decoder alone, beside the parsers of two STOMP clients; in a process of its own. */
import { start } from '../children.ts'
import { fromRoot } from '../contenders/paths.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'

interface CodecResult {
  readonly cut: string
  readonly parser: string
  readonly rounds: readonly number[]
}

export async function codec(stage: Stage): Promise<Row[]> {
  stage.say('three parsers')
  const command = [process.execPath, fromRoot('bench/peers/codec.ts'), String(stage.seconds / 4), String(stage.rounds)]
  const child = start(command, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`The parsers ended with ${String(code)}`)
  return (JSON.parse(output) as CodecResult[]).map(({ cut, parser, rounds }) => ({
    scenario: 'codec',
    case: cut,
    contender: parser,
    unit: Unit.throughput,
    value: median(rounds),
    rounds,
  }))
}
