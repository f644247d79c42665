/** A new version that was put in the place of the one that runs: new workers are of it, and nobody is refused meanwhile. */
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { spawnBridge } from '../../support/process.ts'
import { startRedis } from '../../support/redis.ts'
import { ask, ready } from '../workers-view.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const NEXT_VERSION = '77.0.0'

it('a new version in the place of the old one runs after SIGUSR2', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-upgrade-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const [installed, next] = [join(directory, 'dist'), join(directory, 'next')]
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  for (const path of [installed, next]) await cp(join(ROOT, 'dist'), path, { recursive: true })
  const main = await readFile(join(next, 'main.js'), 'utf8')
  expect(main).toContain(`"${version}"`)
  await writeFile(join(next, 'main.js'), main.replaceAll(`"${version}"`, `"${NEXT_VERSION}"`))

  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const bridge = await spawnBridge({
    runtime: 'node',
    command: [process.execPath, join(installed, 'main.js')],
    args: ['--workers', '2'],
    env: { REDIS_URL: redis.url },
  })
  await ready(bridge)
  const versions = async () => {
    const { body } = await ask(`${bridge.url}/metrics`)
    return [...body.matchAll(/^stomp_bridge_build_info\{(?:.*,)?version="([^"]+)".*\} /gm)].map(([, each]) => each)
  }
  expect(await versions()).toEqual([version])

  await rename(installed, join(directory, 'previous'))
  await rename(next, installed)
  process.kill(bridge.pid, 'SIGUSR2')
  await bridge.waitForLog(({ msg }) => msg === 'The workers were replaced', 60_000)
  await ready(bridge)
  expect(await versions()).toEqual([NEXT_VERSION])
  expect(await bridge.stop()).toBe(0)
}, 90_000)
