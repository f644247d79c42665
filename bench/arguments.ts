/** The command line of the benchmark. Pure. */

export interface Arguments {
  readonly isQuick: boolean
  readonly isHelp: boolean
  /** Names of scenarios; undefined for all of the run. */
  readonly only: readonly string[] | undefined
  readonly subscribers: number
  readonly seconds: number
  readonly rounds: number
  /** Directory for results.json and results.svg. */
  readonly output: string | undefined
}

/** Errors: throws what the person at the terminal has to read. */
export function parseArguments(args: readonly string[], scenarios: readonly string[]): Arguments {
  const values = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const [name, inline] = args[i]!.split('=', 2) as [string, string | undefined]
    if (!(name in FLAGS)) throw new Error(`Unknown option "${name}": see --help`)
    if (!FLAGS[name]!.takesValue) values.set(name, '')
    else {
      const value = inline ?? args[++i]
      if (value === undefined) throw new Error(`Option "${name}" needs a value`)
      values.set(name, value)
    }
  }
  const isQuick = values.has('--quick')
  const only = values.get('--only')?.split(',')
  const unknown = only?.find((name) => !scenarios.includes(name))
  if (unknown !== undefined) throw new Error(`There is no scenario "${unknown}": they are ${scenarios.join(', ')}`)
  return {
    isQuick,
    isHelp: values.has('--help'),
    only,
    subscribers: positive('--subscribers', values.get('--subscribers') ?? '1000'),
    seconds: positive('--seconds', values.get('--seconds') ?? (isQuick ? '0.5' : '1')),
    rounds: positive('--rounds', values.get('--rounds') ?? (isQuick ? '3' : '5')),
    output: values.get('--output'),
  }
}

const FLAGS: Readonly<Record<string, { readonly takesValue: boolean; readonly what: string }>> = {
  '--quick': { takesValue: false, what: 'Under two minutes: the fan-out rows' },
  '--only': {
    takesValue: true,
    what: 'These scenarios alone: NAME,NAME. In results.json the rows of the others stay',
  },
  '--install-peers': { takesValue: false, what: 'Install RabbitMQ and nginx with nchan first, with apt-get' },
  '--rounds': { takesValue: true, what: 'Rounds of each server, in turns with the others (5; quick 3)' },
  '--seconds': { takesValue: true, what: 'Length of a round (1; quick 0.5)' },
  '--subscribers': {
    takesValue: true,
    what: 'Where the scenarios say 1,000; a tenth and ten times as many go with it',
  },
  '--output': { takesValue: true, what: 'Directory for results.json and results.svg (bench)' },
  '--help': { takesValue: false, what: 'This text' },
}

export function helpText(scenarios: Readonly<Record<string, { readonly what: string }>>): string {
  const lines = (entries: readonly (readonly [string, { readonly what: string }])[]): string =>
    entries.map(([name, { what }]) => `  ${name.padEnd(17)}${what}`).join('\n')
  return `npm run bench -- [options]\n\nOptions:\n${lines(Object.entries(FLAGS))}\n\nScenarios:\n${lines(Object.entries(scenarios))}\n`
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`Option "${name}" needs a number above 0, not "${text}"`)
  return value
}
