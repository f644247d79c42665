/** What becomes of a message is said under the form that sent it, and what would become of it before it is sent. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { compose, connect, connectionCard, frame, send } from './page.ts'
import { pageStage, startBridge } from './stage.ts'
import { startStrangeServer } from './strange-server.ts'

const stage = pageStage()

const outcome = (page: Page) => page.locator('.send-outcome')

/** On a phone there is one pane at a time. */
async function openSending(isPhone: boolean): Promise<Page> {
  const page = await stage.openConnected({ isPhone })
  if (isPhone) await page.getByRole('tab', { name: 'Send' }).click()
  return page
}

describe.each([
  ['a desktop', false],
  ['a phone', true],
])('under Send on %s', (_name, isPhone) => {
  it('is the receipt with its time, from where the frames lead to each other', async () => {
    const page = await openSending(isPhone)
    await send(page, '/topic/plain', 'x')
    await outcome(page).getByText('Without a receipt nobody says whether it was taken.').waitFor()
    await page.getByLabel('Ask for a receipt').check()
    await send(page, '/topic/asked', 'x')
    await outcome(page)
      .getByText(/^Receipt in [\d.]+ m?s$/)
      .waitFor()
    await outcome(page).getByRole('button', { name: 'Show RECEIPT' }).click()
    const details = page.getByRole('article')
    await details.getByText(/^Answers SEND \/topic\/asked after [\d.]+ m?s\.$/).waitFor()
    await details.getByRole('button', { name: 'Show SEND' }).click()
    await details.getByText(/^Its RECEIPT came after [\d.]+ m?s\.$/).waitFor()
    await details.getByRole('button', { name: 'Close details' }).click()
    await frame(page, /sent SEND \/topic\/asked/).waitFor()
  })

  it('is the refusal with its code, and that the session was closed and is connected again', async () => {
    const page = await openSending(isPhone)
    await send(page, 'nowhere', 'x')
    await outcome(page)
      .getByText(/^Refused\. no-route: .*"nowhere".* The session was closed, and is connected again\.$/)
      .waitFor()
  })
})

describe('under Send', () => {
  it('is that no receipt came, where the session ended', async () => {
    const server = await startStrangeServer({
      onSession: (socket) => socket.prependOnceListener('message', () => socket.terminate()),
    })
    const page = await stage.open({ otherSockets: [`ws://${server.host}`] })
    await page.getByLabel('URL').fill(`ws://${server.host}/ws`)
    await connect(page)
    await page.getByLabel('Ask for a receipt').check()
    await send(page, '/queue/a', 'x')
    await outcome(page)
      .getByText(/^No receipt\. The session was closed/)
      .waitFor()
  })

  it('is the frame limit of the bridge, and a frame that is too large is known before it goes', async () => {
    const bridge = await startBridge({
      STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES: '1000',
      STOMP_BRIDGE_LIMITS_MAX_CONNECT_FRAME_BYTES: '1000',
    })
    const page = await stage.openConnected({ at: bridge })
    await compose(page, '/topic/large', 'x')
    await page.getByText(/^Frame \d\d B of 1,000 B$/).waitFor()
    await compose(page, '/topic/large', 'x'.repeat(2_000))
    await page.getByText('this bridge takes at most 1,000 (limits.maxFrameBytes)').waitFor()
    expect(await frame(page, /sent SEND/).count()).toBe(0)
    await page.getByRole('button', { name: 'Send all the same' }).click()
    await outcome(page)
      .getByText(/^Refused\. frame-too-large: /)
      .waitFor()
    await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
  })
})
