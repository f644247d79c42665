/** Which versions of the runtimes are too old. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { OLDEST_VERSIONS, requireVersion } from '../../src/runtime/oldest-versions.ts'

describe('a runtime', () => {
  it.each([
    ['Bun', '1.4.3'],
    ['Bun', '1.3.14'],
    ['Deno', '2.8.2'],
    ['Node', '20.18.3'],
    ['Node', '18.20.0'],
  ] as const)('%s %s is too old', (runtime, version) => {
    const oldest = OLDEST_VERSIONS[runtime]
    const text = `stomp-bridge needs ${runtime} ${oldest} or later, and this is ${runtime} ${version}`
    expect(() => requireVersion(runtime, version)).toThrow(text)
  })

  it.each([
    ['Bun', '1.4.4'],
    ['Bun', '1.10.0'],
    ['Bun', '2.0.0-canary.20260101.1'],
    ['Deno', '2.8.3'],
    ['Deno', '2.10.3'],
    ['Node', '20.19.0'],
    ['Node', '100.0.0'],
  ] as const)('%s %s is not', (runtime, version) => {
    expect(() => requireVersion(runtime, version)).not.toThrow()
  })

  it('is as old as package.json and the documents say', () => {
    const root = new URL('../../', import.meta.url)
    const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      engines: Record<string, string>
    }
    const text = readFileSync(new URL('docs/install.md', root), 'utf8')
    for (const [runtime, version] of Object.entries(OLDEST_VERSIONS)) {
      const shortly = version.replace(/\.0$/, '')
      expect(manifest.engines[runtime.toLowerCase()]).toBe(`>=${shortly}`)
      expect(text).toContain(`${runtime} ${shortly}`)
    }
  })
})
