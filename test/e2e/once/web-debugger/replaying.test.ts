/** A log that was exported, taken into a console again, and what it has sent, sent again. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { choose, connect, detailsOf, expectSoon, frame, send, subscribe } from './page.ts'
import { pageStage } from './stage.ts'
import { startStrangeServer } from './strange-server.ts'

const stage = pageStage()

async function importFile(page: Page, name: string, buffer: Buffer): Promise<void> {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Import' }).click()
  await (await chooser).setFiles({ name, mimeType: 'application/jsonl', buffer })
}

describe('an exported log', () => {
  it('may hold frames that cannot be, and names that would be read backwards', async () => {
    const page = await stage.openConnected()
    const line = (command: string, headers: readonly string[][], body: string) =>
      JSON.stringify({ time: '2026-01-01T00:00:00Z', direction: 'in', kind: 'frame', command, headers, body })
    const headers = [['destination', '/topic/\u202egnp.exe\u001b']]
    const lines = [
      line('CONNECTED', [], 'a body'),
      line('MESSAGE', [...headers, ['__proto__', 'x']], '{"__proto__":{"a":1}}'),
      line('MESSAGE', [...headers, ['__proto__', '\u202ey']], 'second'),
    ]
    await importFile(page, 'odd.jsonl', Buffer.from(lines.join('\n')))
    await frame(page, /Imported from odd\.jsonl: 2 lines, and 1 that cannot be read$/).waitFor()
    // Between lines of two logs there is no time.
    const gaps = frame(page, /odd\.jsonl|gnp\.exe/).getByTitle('Since the line above')
    expect(await gaps.allInnerTexts()).toEqual([expect.stringMatching(/^\+/), '', '+0 ms', ''])
    const details = await detailsOf(page, frame(page, /received MESSAGE \/topic\/\ufffdgnp\.exe\ufffd .*second/))
    const [first, last] = await details.getByText('changed', { exact: true }).evaluate((badge) => {
      const leftOf = (at: number) => {
        const range = badge.ownerDocument.createRange()
        range.setStart(badge.firstChild, at)
        range.setEnd(badge.firstChild, at + 1)
        return range.getBoundingClientRect().left
      }
      return [leftOf(0), leftOf('changed'.length - 1)] as const
    })
    expect(first).toBeLessThan(last)
  })

  it('can be imported, and what it has sent is sent again after it was asked for', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/again')
    await send(page, '/topic/again', 'first')
    await send(page, '/topic/again', 'second')
    await frame(page, /received MESSAGE \/topic\/again second/).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    const log = await readFile(await (await download).path())

    await page.getByRole('button', { name: 'Clear' }).click()
    await importFile(page, 'nothing.jsonl', Buffer.from('nothing\n'))
    await page.getByText('nothing.jsonl has no lines of a log').waitFor()
    await importFile(page, 'old.jsonl', log)
    await frame(page, /Imported from old\.jsonl: \d+ lines$/).waitFor()
    await expectSoon(() => frame(page, /received MESSAGE/).count(), 2)
    expect(await frame(page, /sent SEND/).count()).toBe(2)

    await page.getByText('The imported log has sent 2 messages.').waitFor()
    await page.getByRole('button', { name: 'Replay…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Send 2 messages again?' })
    await dialog.getByText('/topic/again × 2').waitFor()
    await choose(dialog, 'Pace', 'At once')
    expect(await frame(page, /sent SEND/).count()).toBe(2)
    await dialog.getByRole('button', { name: 'Send 2 messages' }).click()
    await expectSoon(() => frame(page, /received MESSAGE/).count(), 4)
    expect(await frame(page, /sent SEND/).count()).toBe(4)
    await page.getByRole('button', { name: 'Do not replay' }).click()
    await page.getByText('The imported log').waitFor({ state: 'detached' })
  })

  it('is sent again only to who is connected, and the dialog that asks says so', async () => {
    let end = () => {}
    const server = await startStrangeServer({ onSession: (socket) => (end = () => socket.terminate()) })
    const page = await stage.open({ otherSockets: [`ws://${server.host}/`] })
    await page.getByLabel('URL').fill(`ws://${server.host}/`)
    await connect(page)
    const headers = [['destination', '/topic/x']]
    const line = { time: '2026-01-01T00:00:00Z', direction: 'out', kind: 'frame', command: 'SEND', headers, body: 'x' }
    await importFile(page, 'one.jsonl', Buffer.from(JSON.stringify(line)))
    await page.getByRole('button', { name: 'Replay…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Send 1 message again?' })
    await dialog.getByText('which is connected now').waitFor()
    server.fallSilent()
    end()
    await dialog.getByText('which is not connected').waitFor()
    expect(await dialog.getByRole('button', { name: 'Send 1 message' }).isDisabled()).toBe(true)
  })
})
