/** The benchmark as it is run, but tiny: everything starts, measures, reports and ends. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { fromRoot, installed } from '../../bench/contenders/paths.ts'
import type { Report } from '../../bench/report.ts'

it.runIf(process.platform === 'linux')(
  'benchmark measures the bridge and writes table, report and chart',
  { timeout: 60_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-bench-test-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const sizes = ['--subscribers', '10', '--seconds', '0.05', '--rounds', '1', '--output', directory]
    const { stdout } = await promisify(execFile)(
      installed('bun'),
      [fromRoot('bench/main.ts'), '--quick', '--only', 'sizes,send', ...sizes],
      { timeout: 50_000 },
    )
    expect(stdout).toContain('1 · 10 · 100, 8 in flight')
    const report = JSON.parse(await readFile(join(directory, 'results.json'), 'utf8')) as Report
    expect(report.rows.map(({ scenario }) => scenario)).toEqual([
      ...Array<string>(9).fill('sizes'),
      ...Array<string>(4).fill('send'),
    ])
    for (const { value } of report.rows) expect(value).toBeGreaterThanOrEqual(0)
  },
)
