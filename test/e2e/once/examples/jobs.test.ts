/** The example as its README says it: two bridges, workers in two languages, and its page in a real browser. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { openPlainWebSocket } from '../../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { eventually } from '../../../support/wait.ts'
import { preparePython, PYTHON } from './python.ts'
import { hostRules, postJson, spawnProgram, startNodes, startProgram, type Program } from './support.ts'

const BUN = join(import.meta.dirname, '../../../../node_modules/.bin/bun')
const SOCKETS = ['ws://localhost:8080/', 'ws://localhost:8081/']
const NAMES = ['one', 'two', 'three', 'python']
/** Maybe stomp.py is to be downloaded first. */
const START_TIMEOUT_MS = 90_000
/** What a bridge had that has died comes back by then, as `visibilitySeconds` says, and a little. */
const RETURN_MS = 20_000

interface Done {
  readonly id: string
  readonly by: string
  readonly delivery: number
}

describe('the example of jobs', () => {
  let redis: RedisServer
  let nodes: BridgeProcess[]
  let site: string
  let workers: Map<string, Program>
  const start = async () => {
    redis = await startRedis()
    const python = await preparePython('stomp')
    nodes = await startNodes('jobs/bridge.yaml', redis.url)
    site = await startProgram(process.execPath, 'jobs/web-server.mjs', { BRIDGES: nodes.map(({ url }) => url).join() })
    const sockets = nodes.map(({ wsUrl }) => wsUrl).join()
    const startWorker = async (name: string): Promise<[string, Program]> => {
      const env = { NAME: name, SOCKETS: sockets }
      const isPython = name === 'python'
      const started = isPython
        ? spawnProgram(PYTHON, 'jobs/worker.py', { ...python, ...env })
        : spawnProgram(BUN, 'jobs/worker.ts', env)
      return [name, await started]
    }
    workers = new Map(await Promise.all(NAMES.map(startWorker)))
    return () => redis.stop()
  }

  /** Listens at a bridge. Returns a function that resolves with what is done, when it is as much. */
  const listen = async (node: BridgeProcess) => {
    const { messages } = await openPlainWebSocket(`ws://127.0.0.1:${node.port}/raw/topic/done`)
    return async (count: number): Promise<Done[]> =>
      (await messages.take(count)).map((message) => JSON.parse(String(message)) as Done)
  }
  const idsOf = (done: readonly Done[]) => done.map(({ id }) => id).sort()
  const add = async (node: BridgeProcess, jobs: readonly object[]): Promise<void> => {
    const notifications = jobs.map((message) => ({ topic: '/queue/jobs', message }))
    const response = await fetch(`${node.url}/api/notifications`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(notifications),
    })
    expect(response.status).toBe(200)
  }
  const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`)
  const counts = async () => {
    const list = (await (await fetch(`${site}/queue`)).json()) as unknown[]
    return list[0]
  }
  const countsAre = (expected: object, timeoutMs?: number) =>
    eventually(async () => expect(await counts()).toMatchObject(expected), timeoutMs ? { timeoutMs } : {})

  describe('with all workers', () => {
    beforeAll(start, START_TIMEOUT_MS)
    const browser = browserSuite(() => [hostRules({ 8080: nodes[0], 8081: nodes[1] })])
    beforeEach(() => countsAre({ ready: 0, pending: 0, consumers: 4 }))

    it('has each job done once, and by each worker some', async () => {
      const done = await listen(nodes[1]!)
      const ids = numbered('even', 100)
      await add(
        nodes[0]!,
        ids.map((id) => ({ id, ms: 20 })),
      )
      const all = await done(100)
      expect(idsOf(all)).toEqual([...ids].sort())
      expect(new Set(all.map(({ by }) => by))).toEqual(new Set(NAMES))
      expect(all.every(({ delivery }) => delivery === 1)).toBe(true)
      await countsAre({ queue: '/queue/jobs', ready: 0, pending: 0, consumers: 4, dead: 0 })
    })

    it('takes what any program adds to the stream', async () => {
      const done = await listen(nodes[0]!)
      const client = await redis.client()
      await client.xadd('queue:jobs', '*', 'body', '{"id": "mine", "ms": 0}')
      expect(idsOf(await done(1))).toEqual(['mine'])
    })

    it('buries what three have failed with, and does it when it is put back', async () => {
      const done = await listen(nodes[0]!)
      const failsUntil = Date.now() + 1500
      await add(nodes[0]!, [
        { id: 'broken', ms: 0, failsUntil },
        { id: 'good', ms: 0 },
      ])
      expect(idsOf(await done(1))).toEqual(['good'])
      await countsAre({ ready: 0, pending: 0, dead: 1 })
      await eventually(() => expect(Date.now()).toBeGreaterThan(failsUntil))
      expect(await postJson(`${site}/redrive`, {})).toEqual([200, { moved: 1 }])
      expect(await done(1)).toMatchObject([{ id: 'broken', delivery: 1 }])
      await countsAre({ dead: 0 })
    })

    it('buries what is no job, without harm to a worker', async () => {
      const done = await listen(nodes[0]!)
      const client = await redis.client()
      for (const body of ['no JSON', 'null']) await client.xadd('queue:jobs', '*', 'body', body)
      const ids = numbered('after', 20)
      await add(
        nodes[0]!,
        ids.map((id) => ({ id, ms: 10 })),
      )
      expect(idsOf(await done(20))).toEqual([...ids].sort())
      await countsAre({ ready: 0, pending: 0, consumers: 4, dead: 2 })
      await fetch(`${nodes[0]!.url}/api/queues/%2Fqueue%2Fjobs/messages?dead=true`, { method: 'DELETE' })
    })

    describe('the page', () => {
      const open = async (): Promise<Page> => {
        const page = await browser.open(site, { otherSockets: SOCKETS })
        await page.getByText('Connected to').waitFor()
        await shows(page, { Consumers: '4' })
        return page
      }
      const shows = (page: Page, expected: Readonly<Record<string, string>>) =>
        eventually(async () => {
          const [names, values] = [
            await page.getByRole('term').allTextContents(),
            await page.getByRole('definition').allTextContents(),
          ]
          expect(Object.fromEntries(names.map((name, i) => [name, values[i]]))).toMatchObject(expected)
        })
      const rows = async (page: Page) => {
        const texts = await page.locator('tbody tr').evaluateAll((items) => {
          // To the compiler there is no page on this side.
          const elements = items as unknown as { cells: Iterable<{ textContent: string }> }[]
          return elements.map(({ cells }) => [...cells].map(({ textContent }) => textContent))
        })
        return texts.map(([by, done, again]) => ({ by, done: Number(done), again: Number(again) }))
      }

      it('shows what is in the queue, and who has done what', async () => {
        const page = await open()
        await page.getByRole('button', { name: 'Add 20 jobs' }).click()
        await shows(page, { Pending: '4' })
        await eventually(async () => {
          const all = await rows(page)
          expect(all.reduce((sum, { done }) => sum + done, 0)).toBe(20)
          expect(all.map(({ by }) => by).sort()).toEqual([...NAMES].sort())
        })
        await shows(page, { Ready: '0', Pending: '0', Dead: '0' })
      })

      it('shows a dead one, and puts it back when it can be done', async () => {
        const page = await open()
        await page.getByRole('button', { name: 'Add one that fails' }).click()
        await shows(page, { Dead: '1' })
        const comesBackAt = Date.now() + 5000
        await eventually(() => expect(Date.now()).toBeGreaterThan(comesBackAt), { timeoutMs: 8000 })
        await page.getByRole('button', { name: 'Dead ones back' }).click()
        await eventually(async () => expect(await rows(page)).toMatchObject([{ done: 1, again: 0 }]))
        await shows(page, { Ready: '0', Pending: '0', Dead: '0' })
      })
    })
  })

  describe('when workers die', () => {
    beforeAll(start, START_TIMEOUT_MS)

    it('gives the jobs of two workers to others at once, and counts that', async () => {
      const done = await listen(nodes[0]!)
      const ids = numbered('long', 4)
      await add(
        nodes[1]!,
        ids.map((id) => ({ id, ms: 2000 })),
      )
      await countsAre({ ready: 0, pending: 4 })
      for (const name of ['one', 'python']) await workers.get(name)!.kill()
      const all = await done(4)
      expect(idsOf(all)).toEqual(ids)
      expect(all.map(({ by }) => by).sort()).toEqual(['three', 'three', 'two', 'two'])
      expect(all.map(({ delivery }) => delivery).sort()).toEqual([1, 1, 2, 2])
      await countsAre({ ready: 0, pending: 0, consumers: 2, dead: 0 })
    })
  })

  describe('when a bridge dies', () => {
    beforeAll(start, START_TIMEOUT_MS)

    const sessionsOf = async ({ url }: BridgeProcess): Promise<number> => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      return Number(/^stomp_bridge_sessions (\d+)$/m.exec(metrics)![1])
    }

    it('loses none, and its workers go on at the other one', { timeout: 60_000 }, async () => {
      // The one with more workers.
      const [a, b] = nodes as [BridgeProcess, BridgeProcess]
      const [left, dying] = (await sessionsOf(a)) < (await sessionsOf(b)) ? [a, b] : [b, a]
      const done = await listen(left)
      const ids = numbered('more', 60)
      await add(
        dying,
        ids.map((id) => ({ id, ms: 100 })),
      )
      const seen = new Set<string>()
      const see = async (count: number) => {
        for (const { id } of await done(count)) seen.add(id)
      }
      await see(8)
      await dying.stop('SIGKILL')
      while (seen.size < ids.length) await see(1)
      expect([...seen].sort()).toEqual([...ids].sort())
      await countsAre({ ready: 0, pending: 0, consumers: 4, dead: 0 }, RETURN_MS)
    })
  })
})
