/**
 * The one requirement of the web debugger with numbers: with 100,000 frames in the console a key is heard within 100 ms,
 * and 1,000 frames a second leave it fluid. Frames come over a real connection, from Redis. Machines that run tests have
 * other work too, so the best of up to three attempts counts; all of them are in the annotations of the test.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { expectSoon, frame, subscribeLive, subscription, untilListening } from './page.ts'
import { bestOfThree, measure } from './probe.ts'
import { pageStage } from './stage.ts'

const MAX_DELAY_MS = 100
/** At 60 pictures a second there are 16 ms for each; a task of ten times that is felt. */
const MAX_TASK_MS = 160
const MIN_FRAMES_PER_SECOND = 20

const KEPT = 100_000
const CHUNK = 2_000

const stage = pageStage({ redis: true })

async function publish(from: number, count: number): Promise<void> {
  const pipeline = stage.backend.pipeline()
  for (let i = from; i < from + count; i++) {
    pipeline.publish('GREETING_CHANNEL_INBOUND', JSON.stringify(`order ${i} of apples`))
  }
  await pipeline.exec()
}

const counted = (page: Page, count: number) =>
  subscription(page, '/topic/greetings')
    .getByText(`${count.toLocaleString('en')} messages`)
    .waitFor()

/** Chunk by chunk, as the bridge closes clients that do not keep up. */
async function fill(page: Page, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += CHUNK) {
    await publish(sent, CHUNK)
    await counted(page, sent + CHUNK)
  }
}

describe('the probe', () => {
  it('notices a page that is busy', async () => {
    const page = await stage.open()
    const { keys, worstDelayMs, longestTaskMs } = await measure(page, async () => {
      await page.evaluate(`setTimeout(() => { for (const end = performance.now() + 1000; performance.now() < end;); })`)
      await page.keyboard.press('x')
    })
    expect(keys).toBe(1)
    expect(worstDelayMs).toBeGreaterThan(MAX_DELAY_MS)
    expect(longestTaskMs).toBeGreaterThan(MAX_TASK_MS)
  })
})

describe('the console', () => {
  it('hears a key within 100 ms with 100,000 frames in it, whatever is typed, and stays where it is read', async ({
    annotate,
  }) => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/greetings')
    await untilListening(stage.backend, 'GREETING_CHANNEL_INBOUND')
    await fill(page, KEPT)
    // What came before the messages had to make room for them.
    await page.getByText(/^100,000 lines/).waitFor()
    await page.getByText(/older ones dropped$/).waitFor()

    const search = page.getByLabel('Filter by text')
    const { result, results } = await bestOfThree(
      () =>
        measure(page, async () => {
          await search.press('Control+a')
          await page.keyboard.type('order 99', { delay: 30 })
          await page.keyboard.type('999 of', { delay: 30 })
          await frame(page, /order 99999 of apples/).waitFor()
          await expectSoon(() => frame(page, /./).count(), 1)
          for (let i = 0; i < 6; i++) await page.keyboard.press('Backspace', { delay: 30 })
          await page.getByText(/^1,111 of 100,000 lines/).waitFor()
        }),
      ({ worstDelayMs }) => worstDelayMs < MAX_DELAY_MS,
    )
    await annotate(JSON.stringify(results), 'measured')
    expect(result.keys).toBeGreaterThan(15)
    expect(result.worstDelayMs).toBeLessThan(MAX_DELAY_MS)
    // Of the hundred thousand only those in sight are in the document.
    await search.fill('')
    await page.getByText(/^100,000 lines/).waitFor()
    expect(await frame(page, /./).count()).toBeLessThan(100)

    // What somebody reads stays where it is while older lines make room for new ones.
    const list = page.getByRole('listbox', { name: 'Frames' })
    await list.evaluate((box) => (box.scrollTop = box.scrollHeight / 2))
    await page.getByRole('button', { name: 'Follow what comes' }).waitFor()
    const shown = () =>
      list.evaluate((box) => {
        const { x, y } = box.getBoundingClientRect()
        return box.ownerDocument.elementFromPoint(x + 100, y + 40)!.closest('[role=option]')!.textContent
      })
    const before = await shown()
    expect(before).toMatch(/order \d+ of apples/)
    await publish(KEPT, 300)
    await counted(page, KEPT + 300)
    expect(await shown()).toBe(before)
  }, 90_000)

  it('stays fluid at 1,000 frames a second, and loses none', async ({ annotate }) => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/greetings')
    await untilListening(stage.backend, 'GREETING_CHANNEL_INBOUND')
    const search = page.getByLabel('Filter by text')
    let sent = 0
    const { result, results } = await bestOfThree(
      () =>
        measure(page, async () => {
          const startedAt = performance.now()
          const end = sent + 3_000
          const typing = page.keyboard
          await search.press('Control+a')
          while (sent < end) {
            const due = Math.min(end, end - 3_000 + Math.round(performance.now() - startedAt))
            await publish(sent, due - sent)
            sent = due
            await typing.press('o')
            await pause(20)
          }
          await counted(page, end)
        }),
      ({ worstDelayMs, longestTaskMs, framesPerSecond }) =>
        worstDelayMs < MAX_DELAY_MS && longestTaskMs < MAX_TASK_MS && framesPerSecond > MIN_FRAMES_PER_SECOND,
    )
    await annotate(JSON.stringify(results), 'measured')
    expect(result.keys).toBeGreaterThan(10)
    expect(result.worstDelayMs).toBeLessThan(MAX_DELAY_MS)
    expect(result.longestTaskMs).toBeLessThan(MAX_TASK_MS)
    expect(result.framesPerSecond).toBeGreaterThan(MIN_FRAMES_PER_SECOND)
    await search.fill('')
    await frame(page, `order ${sent - 1} of apples`).waitFor()
  }, 60_000)
})
