/** The Dockerfile, done without an engine: its image runs as it says, can be asked how it is, and stops in order. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildWithoutEngine, type Stage } from '../../../support/dockerfile.ts'
import { freePort } from '../../../support/ports.ts'
import { spawnBridge } from '../../../support/process.ts'
import { copySources, type SourceCopy } from '../../../support/source-copy.ts'
import { eventually } from '../../../support/wait.ts'

const TIMEOUT_MS = 300_000

const execute = promisify(execFile)

describe('the image', { timeout: TIMEOUT_MS }, () => {
  let sources: SourceCopy
  let directory: string
  let image: Stage
  /** A command of the image, on this machine. */
  const command = (name: string): [string, ...string[]] => {
    const [program = '', ...args] = image.commands[name]!
    return [join(image.root, program), ...args]
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-image-'))
    sources = await copySources({ packages: false })
    image = await buildWithoutEngine(sources.path, directory)
  }, TIMEOUT_MS)
  afterAll(async () => {
    await sources.remove()
    await rm(directory, { recursive: true, force: true })
  })

  it('holds the executable, which needs nothing that its base has not', async () => {
    const [program] = command('ENTRYPOINT')
    expect(image.base).toMatch(/^gcr\.io\/distroless\/base-debian12:nonroot$/)
    const { stdout } = await execute('ldd', [program])
    const ofTheBase =
      /^(\/lib(64)?\/)?(linux-vdso|libc|libm|libdl|libpthread|librt|ld-linux-x86-64|ld-linux-aarch64)\.so/
    const others = stdout.split('\n').filter((line) => line.trim() !== '' && !ofTheBase.test(line.trim()))
    expect(others).toEqual([])
  })

  it('was made of no more than it needs', () => {
    const build = join(directory, 'build/build')
    expect(existsSync(join(build, 'src/main.ts'))).toBe(true)
    expect(
      ['test', 'docs', 'bench', '.git', 'node_modules/vitest'].filter((path) => existsSync(join(build, path))),
    ).toEqual([])
  })

  it('runs as nobody in particular, is healthy, and stops in order', async () => {
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const port = await freePort()
    const env = { ...image.env, HOST: '127.0.0.1', PORT: String(port) }
    const [program, ...entry] = command('ENTRYPOINT')
    const args = [...entry, ...image.commands['CMD']!]
    const [checker, ...checkerArgs] = command('HEALTHCHECK')
    const health = () =>
      execute(checker, checkerArgs, { env, cwd: join(image.root, image.workdir) }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
      )
    expect(await health()).toMatchObject({ code: 1, stdout: expect.stringContaining('does not answer') })

    const cwd = join(image.root, image.workdir)
    const bridge = await spawnBridge({ runtime: 'bun', command: [program], args, env, cwd })
    await eventually(
      async () => expect(await health()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^200 /) }),
      {
        timeoutMs: 20_000,
      },
    )
    expect((await fetch(`${bridge.url}/debugger/`)).status).toBe(200)
    const signal = image.stopSignal as NodeJS.Signals
    expect(Object.keys(constants.signals)).toContain(signal)
    expect(await bridge.stop(signal)).toBe(0)
    expect((await health()).code).toBe(1)
  })
})
