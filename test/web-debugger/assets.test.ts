import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Asset } from '../../web-debugger/built/assets.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OUTPUT = join(ROOT, 'web-debugger/built/assets.js')

const build = async () =>
  (await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build-debugger.mjs')])).stdout

describe('the built page', () => {
  let assets: Readonly<Record<string, Asset>>
  const packed = (path: string) => Buffer.from(assets[path]!.body, 'base64')
  const text = (path: string) => gunzipSync(packed(path)).toString()

  beforeAll(async () => {
    await build()
    assets = (await import('../../web-debugger/built/assets.js')).assets
  }, 60_000)

  it('is not built anew when nothing has changed', async () => {
    const before = statSync(OUTPUT).mtimeMs
    expect(await build()).toBe('')
    expect(statSync(OUTPUT).mtimeMs).toBe(before)
  })

  it('has the page, one script, one style sheet and a picture', () => {
    const types = Object.entries(assets).map(([path, { type, isImmutable }]) => [
      path.replace(/[0-9a-f]{10}/, 'HASH'),
      type,
      isImmutable,
    ])
    expect(types).toEqual([
      ['', 'text/html; charset=utf-8', false],
      ['app-HASH.js', 'text/javascript; charset=utf-8', true],
      ['app-HASH.css', 'text/css; charset=utf-8', true],
      ['favicon.svg', 'image/svg+xml', false],
    ])
  })

  it('refers to its files by relative paths, and to nothing else', () => {
    const references = [...text('').matchAll(/(?:src|href)="([^"]*)"/g)].map(([, reference]) => reference!)
    expect(references).toHaveLength(3)
    for (const reference of references) {
      expect(reference).toMatch(/^\.\/[^/]+$/)
      expect(assets).toHaveProperty([reference.slice(2)])
    }
    const style = Object.keys(assets).find((path) => path.endsWith('.css'))!
    expect(text(style)).not.toMatch(/@import|url\((?!data:)/)
  })

  it('has nothing inline, which its policy would block', () => {
    expect(text('')).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/)
  })

  it('is at most 120 KiB to load, compressed', () => {
    const bytes = Object.keys(assets).reduce((sum, path) => sum + packed(path).length, 0)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThanOrEqual(120 * 1024)
  })

  it('is what people use, not the build for developers of Preact', () => {
    const script = Object.keys(assets).find((path) => path.endsWith('.js'))!
    expect(text(script)).not.toMatch(/jsxDEV|sourceMappingURL/)
  })
})
