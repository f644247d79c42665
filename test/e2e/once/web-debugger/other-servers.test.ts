/** The web debugger on servers that are not this bridge: what they refuse, in their own words, and what helps. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { Frame } from '../../../../frames/index.ts'
import { connectionCard, detailsOf, expectSoon, frame, send } from './page.ts'
import { pageStage } from './stage.ts'
import { startStrangeServer, type Refusal, type StrangeServer } from './strange-server.ts'

const stage = pageStage()

async function openFor(server: StrangeServer, url = `ws://${server.host}/ws`): Promise<Page> {
  const page = await stage.open({ otherSockets: [`ws://${server.host}`] })
  await page.getByLabel('URL').fill(url)
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  return page
}

const connected = (page: Page) => connectionCard(page).getByText('Connected', { exact: true })

/** As RabbitMQ 3.10 answers. */
function refuseHost({ command, headers }: Frame): Refusal | undefined {
  const host = headers.get('host')
  if (command !== 'CONNECT' || host === '/') return undefined
  return {
    headers: { message: 'Bad CONNECT', 'content-type': 'text/plain', version: '1.0,1.1,1.2' },
    body: `Virtual host '${host}' access denied`,
    isOpenAfter: true,
  }
}

describe('a server like RabbitMQ', () => {
  it('is told its virtual host with one button, where it refuses the one of the URL', async () => {
    const server = await startStrangeServer({ refuse: refuseHost })
    const page = await openFor(server)
    await page.getByText('The server sent an ERROR: Bad CONNECT').waitFor()
    await page.getByText("Virtual host '127.0.0.1' access denied").waitFor()
    await page.getByRole('button', { name: 'Use host /' }).click()
    await connected(page).waitFor()
    expect(server.received.all.map(({ headers }) => headers.get('host'))).toEqual(['127.0.0.1', '/'])
    await connectionCard(page).getByRole('button', { name: 'Settings' }).click()
    await page.locator('summary', { hasText: 'Version, sign-in' }).click()
    expect(await page.getByLabel('Virtual host').inputValue()).toBe('/')
  })
})

describe('a server that goes on after an ERROR', () => {
  it('is still connected, and what it said can be read and put away', async () => {
    const server = await startStrangeServer({
      refuse: ({ command }) =>
        command === 'SEND'
          ? { headers: { message: 'Unknown destination' }, body: "'/nowhere' is not valid", isOpenAfter: true }
          : undefined,
    })
    const page = await openFor(server)
    await connected(page).waitFor()
    await send(page, '/nowhere', 'x')
    await page.getByText("Refused. Unknown destination: '/nowhere' is not valid.", { exact: true }).waitFor()
    const card = connectionCard(page)
    await card
      .getByText(
        "The server sent an ERROR, and the session goes on: Unknown destination. SEND /nowhere caused it. '/nowhere' is not valid",
      )
      .waitFor()
    await connected(page).waitFor()
    await card.getByRole('button', { name: 'Dismiss' }).click()
    await expectSoon(() => card.getByText('the session goes on').count(), 0)
  })
})

describe('a server that wants heart-beats more rarely than a timer can wait', () => {
  it('gets them once a day, and not all the time', async () => {
    const server = await startStrangeServer({ connected: { 'heart-beat': '0,3000000000' } })
    const page = await openFor(server)
    await connectionCard(page).getByText('out 1 d, in none', { exact: true }).waitFor()
    await page.getByLabel('Ask for a receipt').check()
    for (const body of ['a', 'b', 'c']) {
      await send(page, '/x', body)
      await frame(page, /received RECEIPT/)
        .nth(['a', 'b', 'c'].indexOf(body))
        .waitFor()
    }
    expect(await frame(page, /heart-beat/).count()).toBe(0)
  })
})

describe('characters that turn text around', () => {
  it('are signs wherever the page shows what others have named or sent', async () => {
    const turned = (text: string) => `${text}\u202egnp.exe\u2066`
    const server = await startStrangeServer({
      connected: { server: turned('server'), 'user-name': turned('user') },
      refuse: ({ command }) =>
        command === 'SEND'
          ? {
              headers: { message: turned('message'), [turned('name')]: turned('value') },
              body: turned('body'),
              isOpenAfter: true,
            }
          : undefined,
    })
    const page = await openFor(server)
    await connected(page).waitFor()
    await page.getByLabel('Destination to subscribe').fill(turned('/subscribed'))
    await page.getByLabel('Destination to subscribe').press('Enter')
    await send(page, '/x', turned('sent'))
    await page.getByText('the session goes on').first().waitFor()
    await detailsOf(page, frame(page, /received ERROR/))
    const titles = await page.locator('[title]').evaluateAll((all) => all.map((each) => each.getAttribute('title')))
    const shown = [await page.locator('body').innerText(), ...titles].join('\n')
    expect(shown.match(/[\u202a-\u202e\u2066-\u2069]/g)).toBeNull()
    for (const text of ['server', 'user', 'message', 'name', 'value', 'body', 'sent', '/subscribed']) {
      expect(shown).toContain(`${text}\ufffdgnp.exe\ufffd`)
    }
  })
})

describe('a server like ActiveMQ', () => {
  it('may send a trace of its stack, which can be read', async () => {
    const trace = `java.lang.SecurityException: User name [null] is invalid.\n${'\tat org.apache.activemq.A.b(A.java:1)\n'.repeat(40)}`
    const server = await startStrangeServer({
      refuse: () => ({ headers: { message: 'User name [null] is invalid.' }, body: trace }),
    })
    const page = await openFor(server)
    await page.getByText('The server sent an ERROR: User name [null] is invalid.').waitFor()
    const body = page.getByRole('region', { name: 'Body of the ERROR' })
    expect(await body.innerText()).toContain('java.lang.SecurityException')
    expect((await body.boundingBox())!.height).toBeLessThan(200)
  })
})

describe('a server that speaks SockJS only', () => {
  it('is connected with one button', async () => {
    const server = await startStrangeServer({ isSockJs: true })
    const page = await openFor(server)
    await page.getByRole('button', { name: 'Try SockJS' }).click()
    await connected(page).waitFor()
    await frame(page, /with SockJS/).waitFor()
  })
})

describe('a URL', () => {
  it('needs no scheme, and says where it leads', async () => {
    const server = await startStrangeServer()
    const page = await stage.open({ otherSockets: [`ws://${server.host}`] })
    await page.getByLabel('URL').fill(`${server.host}/ws`)
    await page.getByText(`Connects to ws://${server.host}/ws`).waitFor()
    await page.getByLabel('URL').press('Enter')
    await connected(page).waitFor()
    await connectionCard(page).getByText(`ws://${server.host}/ws`, { exact: true }).waitFor()
  })

  it('that is empty is answered with what to type', async () => {
    const page = await stage.open()
    await page.getByLabel('URL').fill('')
    expect(await page.getByText('Enter the URL of a WebSocket').count()).toBe(0)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText('Enter the URL of a WebSocket, such as ws://localhost:8080/stomp').waitFor()
    await expectSoon(() => page.getByLabel('URL').getAttribute('aria-invalid'), 'true')
  })
})
