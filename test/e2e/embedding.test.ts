/** A program with bridges inside, as a process of its own. What bridges do inside a program is in `once/embedding/`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { adopt } from '../support/process.ts'
import { programCommand } from '../support/program.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

describe(`a program on ${runtime}`, () => {
  let redis: RedisServer
  let directory: string

  beforeAll(async () => {
    redis = await startRedis()
    directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-child-'))
  })
  afterAll(async () => {
    await redis?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  it('ends by itself when its bridges are closed, and has printed nothing of theirs', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const [command, ...args] = await programCommand(runtime, join(ROOT, 'test/e2e/embedding-child.ts'), directory)
    const child = spawn(command!, [...args, runtime, redis.url, String(port)], { stdio: ['ignore', 'pipe', 'pipe'] })
    adopt(child)
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    const closed = new Promise<number>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        if (output.includes('closed\n')) resolve(performance.now())
      })
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    const exited = once(child, 'close')
    const closedMs = await Promise.race([closed, exited])
    expect(output).toBe('used the embedded bus\nused Redis\nEADDRINUSE\nclosed\n')
    expect(await exited).toEqual([0, null])
    expect(performance.now() - Number(closedMs)).toBeLessThan(1500)
  })
})
