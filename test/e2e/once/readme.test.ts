/** What the README tells a newcomer to paste works: its commands for curl and redis-cli, and its code for the console. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeBlocks, readMarkdown } from '../../docs/markdown-files.ts'
import { listen } from '../../support/clients/backend.ts'
import { Inbox } from '../../support/clients/inbox.ts'
import { pageStage } from './web-debugger/stage.ts'

const WHERE = 'localhost:8080'
const blocks = codeBlocks(readMarkdown('README.md'))

/** The block with this text, which must be the only one. */
function block(text: string): string {
  const found = blocks.filter(({ code }) => code.includes(text))
  expect(found.length, `blocks with "${text}"`).toBe(1)
  return found[0]!.code
}

/** The words of a command, as a shell splits them. */
function words(command: string): string[] {
  const text = command.replaceAll('\\\n', ' ')
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

/** Does what this curl command does, on the bridge of a test. */
function curl(command: string, url: string, signal?: AbortSignal): Promise<Response> {
  const [program, ...rest] = words(command)
  expect(program).toBe('curl')
  const headers: [string, string][] = []
  let address = ''
  let body: string | undefined
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-H') headers.push(rest.shift()!.split(/: */, 2) as [string, string])
    else if (word === '-d') body = rest.shift()!
    else if (word !== '-i' && word !== '-N') address = word
  }
  expect(address).toContain(WHERE)
  const init = body === undefined ? {} : { method: 'POST', body }
  return fetch(address.replace(`http://${WHERE}`, url), { ...init, headers, ...(signal ? { signal } : {}) })
}

/** Reads what `curl -N` would print, as it comes. */
async function follow(command: string, url: string): Promise<(text: string) => Promise<void>> {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const response = await curl(command, url, stop.signal)
  expect(response.status).toBe(200)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let printed = ''
  return async (text) => {
    while (!printed.includes(text)) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`The stream ended without "${text}":\n${printed}`)
      printed += value
    }
  }
}

const PUBLISH = 'redis-cli PUBLISH GREETING_CHANNEL_INBOUND'

describe('with Redis', () => {
  const stage = pageStage({ redis: true })

  /** What the command for redis-cli publishes. */
  const publish = async (): Promise<void> => {
    const commands = blocks.filter(({ code }) => code.startsWith(PUBLISH)).map(({ code }) => words(code))
    expect(new Set(commands.map((command) => command.join(' '))).size).toBe(1)
    const [, , channel = '', payload = ''] = commands[0]!
    await stage.backend.publish(channel, payload)
  }

  it('one curl shows what a backend publishes', async () => {
    const printed = await follow(block('curl -N'), stage.bridge.url)
    await publish()
    await printed('event: message\ndata: Hello from Redis\n')
  })

  it('the code for the console of the page has all three flows', async () => {
    const [, , channel = ''] = words(block('redis-cli SUBSCRIBE'))
    const outbound = await listen(stage.redis, channel)
    const page = await stage.visit(`${stage.bridge.url}/`)
    const printed = new Inbox<string>('line of the console')
    page.on('console', (message) => printed.put(message.text()))
    // As the console does it: declarations stay, and the policy of the page holds for what is loaded.
    const console = await page.context().newCDPSession(page)
    const paste = async (expression: string): Promise<void> => {
      const { exceptionDetails } = await console.send('Runtime.evaluate', { expression, replMode: true })
      expect(exceptionDetails).toBeUndefined()
    }
    const code = block('new WebSocket(')
    await paste(code)
    expect(await printed.next()).toMatch(/^CONNECTED\n/)
    expect((await outbound.next()).toString()).toBe('"Hello from the browser"')
    await paste(/^ *(send\('SEND'.*)$/m.exec(code)![1]!)
    expect((await outbound.next()).toString()).toBe('"Hello from the browser"')

    await publish()
    expect(await printed.next()).toMatch(/^MESSAGE\n[^]*\n\nHello from Redis\0?$/)
    const response = await curl(block('curl -i'), stage.bridge.url)
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(await printed.next()).toMatch(/^MESSAGE\n[^]*\n\nHello from HTTP\0?$/)
  })
})

describe('without Redis', () => {
  const stage = pageStage()

  it('one curl shows what another makes the bridge publish', async () => {
    const printed = await follow(block('curl -N'), stage.bridge.url)
    expect((await curl(block('/api/channels/'), stage.bridge.url)).status).toBe(200)
    await printed('event: message\ndata: Hello from a backend\n')
  })
})
