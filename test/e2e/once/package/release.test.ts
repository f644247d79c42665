/** `npm run release`, in a fresh copy of the sources that is a repository of its own. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copySources, type SourceCopy } from '../../../support/source-copy.ts'

const TIMEOUT_MS = 240_000

const execute = promisify(execFile)

interface Result {
  readonly code: number
  readonly output: string
}

describe('npm run release', { timeout: TIMEOUT_MS }, () => {
  let sources: SourceCopy
  const git = (...args: string[]) =>
    execute('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], { cwd: sources.path })
  const release = (...args: string[]): Promise<Result> =>
    execute('npm', ['run', '--silent', 'release', '--', ...args], { cwd: sources.path }).then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        code,
        output: stdout + stderr,
      }),
    )
  const read = (path: string) => readFile(join(sources.path, path), 'utf8')

  beforeAll(async () => {
    sources = await copySources()
    await git('init', '--quiet')
    // git takes the link for a file.
    await appendFile(join(sources.path, '.git/info/exclude'), 'node_modules\n')
    await git('add', '--all')
    await git('commit', '--quiet', '--message', 'All of it')
  }, TIMEOUT_MS)
  afterAll(() => sources.remove())

  it.each([
    [[], 2, 'Say one version'],
    [['soon'], 2, '"soon" is no version'],
    [['9.0.0', '--quickly'], 2, "Unknown option '--quickly'"],
    [['9.0.0', '--targets', 'linux-x64,amiga'], 2, 'There is no target "amiga", only linux-x64, linux-arm64'],
    [['0.0.1'], 1, '0.0.1 comes before 0.1.0, which package.json says'],
    [['0.1.0-rc.1'], 1, '0.1.0-rc.1 comes before 0.1.0'],
  ])('%j ends with %i and says why', async (args, code, text) => {
    expect(await release(...args)).toEqual({ code, output: expect.stringContaining(text) })
  })

  it('says with --dry-run what it would do, and does nothing', async () => {
    const { code, output } = await release('9.0.0', '--dry-run')
    expect(output.split('\n')).toEqual([
      'Would set the version from 0.1.0 to 9.0.0, and date its section of CHANGELOG.md',
      'Would make dist/release/stomp-bridge-9.0.0.tgz',
      'Would make dist/release/stomp-bridge-9.0.0-linux-x64',
      'Would make dist/release/stomp-bridge-9.0.0-linux-arm64',
      'Would make dist/release/THIRD-PARTY-LICENSES.txt',
      'Would make dist/release/stomp-bridge-9.0.0.cdx.json',
      'Would make dist/release/SHA256SUMS',
      '',
    ])
    expect(code).toBe(0)
    expect((await git('status', '--porcelain')).stdout).toBe('')
  })

  it('makes all of it, and then refuses to do so again before that is committed', async () => {
    const target = `linux-${process.arch}`
    const { code, output } = await release('9.0.0', '--targets', target)
    expect([code, output]).toEqual([0, expect.stringContaining('Release 9.0.0 is in dist/release/')])
    const files = (await readdir(join(sources.path, 'dist/release'))).sort()
    expect(files).toEqual([
      'SHA256SUMS',
      'THIRD-PARTY-LICENSES.txt',
      `stomp-bridge-9.0.0-${target}`,
      'stomp-bridge-9.0.0.cdx.json',
      'stomp-bridge-9.0.0.tgz',
    ])

    const executable = join(sources.path, `dist/release/stomp-bridge-9.0.0-${target}`)
    expect((await execute(executable, ['version'], { env: {} })).stdout).toBe('9.0.0\n')

    const sums = (await read('dist/release/SHA256SUMS')).trim().split('\n')
    const found = await Promise.all(
      files.slice(1).map(async (name) => {
        const content = await readFile(join(sources.path, 'dist/release', name))
        return `${createHash('sha256').update(content).digest('hex')}  ${name}`
      }),
    )
    expect(sums).toEqual(found)

    const bill = JSON.parse(await read('dist/release/stomp-bridge-9.0.0.cdx.json')) as {
      bomFormat: string
      metadata: { component: { version: string } }
      components: { name: string }[]
    }
    expect([bill.bomFormat, bill.metadata.component.version]).toEqual(['CycloneDX', '9.0.0'])
    const names = bill.components.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['hono', 'ioredis', 'ws', 'zod', 'preact', 'bun']))
    expect(names).not.toContain('vitest')

    const changed = (await git('status', '--porcelain')).stdout.trim().split('\n')
    expect(changed.map((line) => line.trim()).sort()).toEqual([
      'M CHANGELOG.md',
      'M package-lock.json',
      'M package.json',
    ])
    const today = new Date().toISOString().slice(0, 10)
    expect(await read('CHANGELOG.md')).toMatch(/\n## Unreleased\n\n## 9\.0\.0 \(\d{4}-\d\d-\d\d\)\n\n### Added\n/)
    expect(await read('CHANGELOG.md')).toContain(today.slice(0, 7))

    const again = await release('9.0.1')
    expect([again.code, again.output]).toEqual([1, expect.stringMatching(/not committed[^]*nothing below/)])
  })
})
