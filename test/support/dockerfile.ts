/**
 * Does what a Dockerfile says, without an engine: its files in a directory in place of the root of each stage, its
 * commands on this machine. Knows only the instructions that ours has, and takes no others. What the base images hold
 * is not there, so a program of theirs is whatever this machine has.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, posix, relative } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A stage that has been built. */
export interface Stage {
  readonly base: string
  readonly root: string
  workdir: string
  readonly env: Record<string, string>
  user?: string
  stopSignal?: string
  /** Of HEALTHCHECK, ENTRYPOINT and CMD, as lists. */
  readonly commands: Record<string, readonly string[]>
}

/** Builds all stages; returns the last one. `context`: the directory that is sent to the engine. */
export async function buildWithoutEngine(context: string, directory: string): Promise<Stage> {
  const text = await readFile(join(context, 'Dockerfile'), 'utf8')
  const isSent = sentFiles(await readFile(join(context, '.dockerignore'), 'utf8'))
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const { name, rest } of instructions(text)) {
    if (name === 'FROM') {
      const [base = '', , as = 'last'] = rest.split(' ')
      stage = { base, root: join(directory, as), workdir: '/', env: {}, commands: {} }
      await mkdir(stage.root)
      stages.set(as, stage)
    } else if (stage) await follow(stage, name, rest, { context, isSent, stages })
  }
  if (!stage) throw new Error('A Dockerfile has at least one FROM')
  return stage
}

interface Surroundings {
  readonly context: string
  readonly isSent: (path: string) => boolean
  readonly stages: ReadonlyMap<string, Stage>
}

async function follow(stage: Stage, name: string, rest: string, { context, isSent, stages }: Surroundings) {
  switch (name) {
    case 'WORKDIR':
      stage.workdir = rest
      await mkdir(join(stage.root, rest), { recursive: true })
      break
    case 'COPY': {
      const words = rest.split(' ')
      const from = words[0]!.startsWith('--from=') ? stages.get(words.shift()!.slice('--from='.length)) : undefined
      const target = posix.resolve(stage.workdir, words.at(-1)!)
      const isDirectory = words.at(-1)!.endsWith('/') || words.at(-1) === '.'
      for (const source of words.slice(0, -1)) {
        const path = join(from?.root ?? context, source)
        const isTree = (await stat(path)).isDirectory()
        const destination = join(stage.root, target, isDirectory && !isTree ? posix.basename(source) : '')
        await mkdir(dirname(destination), { recursive: true })
        if (from) await cp(path, destination, { recursive: true })
        else await copySent(context, path, destination, isSent)
      }
      break
    }
    case 'RUN':
      await execute('sh', ['-c', rest], {
        cwd: join(stage.root, stage.workdir),
        env: { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_prefer_offline: 'true', ...stage.env },
        maxBuffer: 64 * 1024 * 1024,
      })
      break
    case 'ENV':
      for (const pair of rest.split(' '))
        stage.env[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1)
      break
    case 'USER':
      stage.user = rest
      break
    case 'STOPSIGNAL':
      stage.stopSignal = rest
      break
    case 'HEALTHCHECK':
    case 'ENTRYPOINT':
    case 'CMD':
      stage.commands[name] = JSON.parse(rest.replace(/^.*?\[/, '[')) as string[]
      break
    case 'EXPOSE':
      break
    default:
      throw new Error(`There is no way here to do ${name}`)
  }
}

/** A file, or what is in a directory: those that are sent. */
async function copySent(context: string, path: string, destination: string, isSent: (path: string) => boolean) {
  const name = relative(context, path).replaceAll('\\', '/')
  if ((await stat(path)).isDirectory()) {
    for (const entry of await readdir(path))
      await copySent(context, join(path, entry), join(destination, entry), isSent)
  } else if (isSent(name)) {
    await mkdir(dirname(destination), { recursive: true })
    await cp(path, destination)
  }
}

/** Says of a path in the context whether the engine gets it: the last pattern that fits decides. */
function sentFiles(dockerignore: string): (path: string) => boolean {
  const lines = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const patterns = lines.map((line) => {
    const pattern = line.replace(/^!/, '').replace(/[.+^${}()|[\]\\]/g, '\\$&')
    const source = pattern.replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'))
    return { isSent: line.startsWith('!'), regex: new RegExp(`^${source}(?:/.*)?$`) }
  })
  return (path) => patterns.findLast(({ regex }) => regex.test(path))?.isSent ?? true
}

function instructions(text: string): { name: string; rest: string }[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'))
  const whole = lines.join('\n').replaceAll(/\\\n\s*/g, '')
  return whole
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.slice(0, line.indexOf(' ')), rest: line.slice(line.indexOf(' ') + 1).trim() }))
}
