/** The executable that `npm run compile` makes starts itself again for each worker. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { notify } from '../../support/clients/backend.ts'
import { connectStompjs7 } from '../../support/clients/stompjs7.ts'
import { adopt } from '../../support/process.ts'
import { startRedis } from '../../support/redis.ts'
import { eventually, waitFor } from '../../support/wait.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const BUN = join(ROOT, 'node_modules/.bin/bun')

it('the compiled executable runs workers', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-executable-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const executable = join(directory, 'stomp-bridge')
  const build = ['build', '--compile', 'src/main.ts', '--outfile', executable]
  const [redis] = await Promise.all([startRedis(), promisify(execFile)(BUN, build, { cwd: ROOT })])
  onTestFinished(() => redis.stop())

  const child = spawn(executable, ['--workers', '2'], {
    cwd: directory,
    env: { REDIS_URL: redis.url, PORT: '0', STOMP_BRIDGE_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  adopt(child)
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  const exited = once(child, 'close')

  const wsUrl = await waitFor(() => /ws:\/\/127\.0\.0\.1:\d+\/stomp(?=\n)/.exec(output)?.[0], { timeoutMs: 15_000 })
  expect(output).toMatch(/^ +Workers +2$/m)
  const url = `http://${new URL(wsUrl).host}`
  await eventually(async () => expect((await fetch(`${url}/ready`)).status).toBe(200))
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('\nstomp_bridge_workers 2\n')

  const client = await connectStompjs7({ wsUrl })
  const messages = await client.subscribe('/topic/all')
  expect(await notify({ url }, '/topic/all', 'Grüße')).toEqual({ status: 200, body: '' })
  expect((await messages.next()).body).toBe('Grüße')
  child.kill('SIGTERM')
  expect(await client.closed).toBe(1001)
  expect(await exited).toEqual([0, null])
})
