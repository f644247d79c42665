/** A client in the web debugger that works on a queue: so many messages at a time, ACK and NACK, and what comes again. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { detailsOf, frame, rawOf, subscribe, unfold } from './page.ts'
import { enqueue, startQueueBridge } from './queue-bridge.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

let bridge: BridgeProcess
beforeAll(async () => {
  bridge = await startQueueBridge()
})

async function work(page: Page, queue: string, atATime: string): Promise<void> {
  await unfold(page, 'Acknowledgement and headers')
  await page.getByLabel('Acknowledgement', { exact: true }).selectOption('client-individual')
  await page.getByLabel('Messages at a time').fill(atATime)
  await subscribe(page, queue)
}

const message = (page: Page, body: string, state: string) =>
  frame(page, new RegExp(`received MESSAGE /queue/\\S+ ${body} ${state}`))

describe('working on a queue', () => {
  it('takes as many messages as it wants at a time, and the next after an ACK', async () => {
    await enqueue(bridge, '/queue/jobs/acked', 'one', 'two', 'three')
    const page = await stage.openConnected({ at: bridge })
    await work(page, '/queue/jobs/acked', '2')
    await message(page, 'two', 'wants ACK').waitFor()
    expect(await message(page, 'three', '').count()).toBe(0)
    const first = await detailsOf(page, message(page, 'one', 'wants ACK'))
    await first.getByRole('row', { name: 'delivery-count 1' }).waitFor()
    await first.getByRole('button', { name: 'ACK', exact: true }).click()
    await message(page, 'one', 'acked').waitFor()
    await message(page, 'three', 'wants ACK').waitFor()
    expect(await (await rawOf(page, frame(page, /sent SUBSCRIBE/))).innerText()).toContain('prefetch-count:2')
  })

  it('shows that a message comes again after a NACK, and how often', async () => {
    await enqueue(bridge, '/queue/jobs/nacked', 'one')
    const page = await stage.openConnected({ at: bridge })
    await work(page, '/queue/jobs/nacked', '1')
    const nack = async (state: string) => {
      const details = await detailsOf(page, message(page, 'one', state))
      await details.getByRole('button', { name: 'NACK' }).click()
    }
    await nack('wants ACK')
    await nack('delivery 2 wants ACK')
    const again = await detailsOf(page, message(page, 'one', 'delivery 3 wants ACK'))
    await again.getByText('Delivery 3: somebody was given it before, and has not acknowledged it.').waitFor()
    await again.getByRole('row', { name: 'redelivered true' }).waitFor()
    await again.getByRole('button', { name: 'ACK', exact: true }).click()
    await message(page, 'one', 'delivery 3 acked').waitFor()
  })

  it('needs a number that the bridge takes, where it says one', async () => {
    const page = await stage.openConnected({ at: bridge })
    expect(await page.getByLabel('Messages at a time').count()).toBe(0)
    await unfold(page, 'Acknowledgement and headers')
    await page.getByLabel('Acknowledgement', { exact: true }).selectOption('client')
    await page.getByLabel('Messages at a time').fill('1001')
    await page.getByLabel('Destination to subscribe').fill('/queue/jobs/many')
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await page.getByText('How many at a time? A whole number, 1 to 1,000').waitFor()
    await page.getByLabel('Messages at a time').fill('')
    await subscribe(page, '/queue/jobs/many')
    expect(await (await rawOf(page, frame(page, /sent SUBSCRIBE/))).innerText()).not.toContain('prefetch-count')
  })
})
