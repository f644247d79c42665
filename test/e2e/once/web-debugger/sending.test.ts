/**
 * Sending in the web debugger, alone and in transactions. What went out is read by another client of the same bridge.
 */
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../../../support/stomp-peer.ts'
import { choose, compose, detailsOf, expectSoon, frame, rawOf, send, subscribeLive, unfold } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage({ redis: true })

/** Another client, which has subscribed the destination. */
async function listener(destination: string): Promise<StompPeer> {
  const peer = await connectPeer({ url: stage.bridge.wsUrl })
  onTestFinished(() => peer.terminate())
  await peer.stompConnect()
  peer.send(frameText('SUBSCRIBE', { id: '1', destination, receipt: 'live' }))
  await peer.receipt('live')
  return peer
}

async function nextBody(peer: StompPeer): Promise<string> {
  return bodyText(await peer.expect('MESSAGE'))
}

const sendButton = (page: Page) => page.getByRole('button', { name: 'Send', exact: true })

describe('sending', () => {
  async function pasteHeaders(page: Page, headers: Readonly<Record<string, string>>): Promise<Locator> {
    await unfold(page, /^Headers/)
    const rows = page.getByRole('group', { name: 'SEND headers' })
    await rows.getByRole('button', { name: 'Add header' }).click()
    await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(JSON.stringify(headers))})`)
    await rows.getByLabel('SEND headers: name 1').press('Control+v')
    return rows
  }

  it('takes headers as rows, and a pasted JSON object as several', async () => {
    const peer = await listener('/topic/headers')
    const page = await stage.openConnected()
    const rows = await pasteHeaders(page, { 'x-one': '1', 'x-two': 'a:b\\c', 'x-three': 'gone' })
    await expectSoon(() => rows.getByLabel('SEND headers: value 2').inputValue(), 'a:b\\c')
    await rows.getByRole('button', { name: 'Remove header x-three' }).click()
    await send(page, '/topic/headers', 'with headers')
    const { headers } = await peer.expect('MESSAGE')
    expect([headers.get('x-one'), headers.get('x-two'), headers.get('x-three')]).toEqual(['1', 'a:b\\c', undefined])
  })

  it.each([
    ['Text', 'grüß\ndich', Buffer.from('grüß\ndich'), undefined],
    ['JSON', '{"a": [1, 2]}', Buffer.from('{"a": [1, 2]}'), 'application/json'],
    ['Hex', '48 65 00 6c', Buffer.from('He\0l'), undefined],
    ['Base64', 'SGVsbG8=', Buffer.from('Hello'), undefined],
  ])('takes a body as %s', async (kind, text, bytes, contentType) => {
    const destination = `/topic/body/${kind}`
    const peer = await listener(destination)
    const page = await stage.openConnected()
    await choose(page, 'Kind of body', kind)
    await compose(page, destination, text)
    await page.getByRole('textbox', { name: 'Body' }).press('Control+Enter')
    const { body, headers } = await peer.expect('MESSAGE')
    expect([Buffer.from(body), headers.get('content-type')]).toEqual([bytes, contentType])
  })

  it('takes a file, byte for byte', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-file-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const path = join(directory, 'bytes.bin')
    await writeFile(
      path,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    )
    const peer = await listener('/topic/file')
    const page = await stage.openConnected()
    await page.getByLabel('Send to').fill('/topic/file')
    await choose(page, 'Kind of body', 'File')
    await page.getByLabel('File to send').setInputFiles(path)
    await page.getByText('bytes.bin, 256 bytes').waitFor()
    await sendButton(page).click()
    const { body } = await peer.expect('MESSAGE')
    expect(Buffer.from(body).equals(await readFile(path))).toBe(true)
    await frame(page, /sent SEND \/topic\/file/).waitFor()
  })

  it('refuses a body that is not what it says, before it goes anywhere', async () => {
    const page = await stage.openConnected()
    const body = page.getByRole('textbox', { name: 'Body' })
    for (const [kind, wrong, right] of [
      ['JSON', '{"a": ', '{"a": 1}'],
      ['Hex', '4x', '41'],
      ['Base64', 'a', 'YQ=='],
    ] as const) {
      await choose(page, 'Kind of body', kind)
      await compose(page, '/topic/wrong', wrong)
      await expectSoon(() => body.getAttribute('aria-invalid'), 'true')
      await sendButton(page).click()
      await body.fill(right)
      await expectSoon(() => body.getAttribute('aria-invalid'), null)
    }
    await sendButton(page).click()
    await frame(page, /sent SEND \/topic\/wrong a/).waitFor()
    expect(await frame(page, /sent SEND/).count()).toBe(1)
  })

  it('asks for a receipt, and draws how long it took', async () => {
    const page = await stage.openConnected()
    await page.getByLabel('Ask for a receipt').check()
    await send(page, '/topic/receipt', 'x')
    await frame(page, /received RECEIPT receipt-id:/).waitFor()
    await page.getByRole('img', { name: /^Round trip of receipts: now [\d.]+ ms/ }).waitFor()
    await page.getByRole('button', { name: 'Measure' }).click()
    await frame(page, /received RECEIPT/)
      .nth(2)
      .waitFor()
  })

  it('repeats a message as often and as fast as asked', async () => {
    const peer = await listener('/topic/often')
    const page = await stage.openConnected()
    await unfold(page, 'Repeat')
    await page.getByLabel('How often').fill('5')
    await page.getByLabel('Every, ms').fill('50')
    await compose(page, '/topic/often', 'again')
    const startedAt = performance.now()
    await page.getByRole('button', { name: 'Send 5 times' }).click()
    for (let i = 0; i < 5; i++) expect(await nextBody(peer)).toBe('again')
    expect(performance.now() - startedAt).toBeGreaterThan(4 * 50 - 10)
    await page.getByRole('button', { name: 'Send 5 times' }).waitFor()
    await expectSoon(() => frame(page, /sent SEND/).count(), 5)
  })

  it('stops repeating when told', async () => {
    const peer = await listener('/topic/endless')
    const page = await stage.openConnected()
    await unfold(page, 'Repeat')
    await page.getByLabel('How often').fill('100000')
    await page.getByLabel('Every, ms').fill('10')
    await compose(page, '/topic/endless', 'again')
    await page.getByRole('button', { name: 'Send 100,000 times' }).click()
    for (let i = 0; i < 3; i++) expect(await nextBody(peer)).toBe('again')
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByLabel('How often').fill('1')
    await send(page, '/topic/endless', 'the last one')
    while ((await nextBody(peer)) !== 'the last one');
    await send(page, '/topic/endless', 'nothing in between')
    expect(await nextBody(peer)).toBe('nothing in between')
  })

  it('remembers what was sent, to fill in again', async () => {
    const page = await stage.openConnected()
    await send(page, '/topic/recent', 'the first text')
    await send(page, '/topic/other', 'the second text')
    await unfold(page, 'Recently sent (2)')
    await page.getByRole('button', { name: /topic\/recent/ }).click()
    await expectSoon(() => page.getByLabel('Send to').inputValue(), '/topic/recent')
    expect(await page.getByRole('textbox', { name: 'Body' }).inputValue()).toBe('the first text')
  })

  it('fills in a message of the console, to send again', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/reused')
    await notify(stage.bridge, '/topic/reused', 'use me again')
    const details = await detailsOf(page, frame(page, /MESSAGE \/topic\/reused/))
    await details.getByRole('button', { name: 'Reuse' }).click()
    await expectSoon(() => page.getByLabel('Send to').inputValue(), '/topic/reused')
    await sendButton(page).click()
    await frame(page, /sent SEND \/topic\/reused use me again/).waitFor()
  })
})

describe('transactions', () => {
  const panel = (page: Page) => page.getByRole('region', { name: /^Transactions/ })

  async function begin(page: Page, id: string): Promise<void> {
    await panel(page).getByRole('button', { name: 'Transactions' }).click()
    await page.getByLabel('Transaction id').fill(id)
    await page.getByRole('button', { name: 'Begin' }).click()
    await frame(page, new RegExp(`sent BEGIN transaction:${id}`)).waitFor()
  }

  async function sendOutside(page: Page, destination: string, body: string): Promise<void> {
    await page.getByLabel('In transaction').selectOption('')
    await send(page, destination, body)
  }

  it('deliver all at once when committed', async () => {
    const peer = await listener('/topic/committed')
    const page = await stage.openConnected()
    await begin(page, 'tx-1')
    await send(page, '/topic/committed', 'inside 1')
    await send(page, '/topic/committed', 'inside 2')
    await sendOutside(page, '/topic/committed', 'outside')
    expect(await nextBody(peer)).toBe('outside')
    await panel(page).getByText('2 frames').waitFor()
    await page.getByRole('button', { name: 'Commit tx-1' }).click()
    expect([await nextBody(peer), await nextBody(peer)]).toEqual(['inside 1', 'inside 2'])
    await panel(page).getByText('committed', { exact: true }).waitFor()
  })

  it('deliver nothing when aborted', async () => {
    const peer = await listener('/topic/aborted')
    const page = await stage.openConnected()
    await begin(page, 'tx-2')
    await send(page, '/topic/aborted', 'never seen')
    await page.getByRole('button', { name: 'Abort tx-2' }).click()
    await panel(page).getByText('aborted', { exact: true }).waitFor()
    await send(page, '/topic/aborted', 'seen')
    expect(await nextBody(peer)).toBe('seen')
    await frame(page, /sent ABORT transaction:tx-2/).waitFor()
  })

  it('take acknowledgements too', async () => {
    const page = await stage.openConnected()
    await unfold(page, 'Acknowledgement and headers')
    await page.getByLabel('Acknowledgement', { exact: true }).selectOption('client-individual')
    await subscribeLive(page, '/topic/ack/inside')
    await notify(stage.bridge, '/topic/ack/inside', 'acknowledge me')
    await begin(page, 'tx-3')
    const details = await detailsOf(page, frame(page, /MESSAGE .* wants ACK/))
    await details.getByLabel('Acknowledge in transaction').selectOption('tx-3')
    await details.getByRole('button', { name: 'ACK', exact: true }).click()
    const raw = await rawOf(page, frame(page, /sent ACK/))
    expect(await raw.innerText()).toContain('transaction:tx-3')
    await panel(page).getByText('1 frame', { exact: true }).waitFor()
  })
})
