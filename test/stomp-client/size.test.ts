/** What a page has to load: the client as a bundler makes it, without @stomp/stompjs, compressed. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAX_BYTES = 5_000

it('the client is small, and needs nothing but @stomp/stompjs', { timeout: 30_000 }, () => {
  const args = ['build', '--minify', '--target=browser', '--external', '@stomp/stompjs', 'src/stomp-client/index.ts']
  const code = execFileSync(join(ROOT, 'node_modules/.bin/bun'), args, { cwd: ROOT, encoding: 'utf8' })
  expect([...code.matchAll(/from\s*"([^"]+)"/g)].map(([, name]) => name)).toEqual(['@stomp/stompjs'])
  expect(gzipSync(code).length).toBeLessThanOrEqual(MAX_BYTES)
})
