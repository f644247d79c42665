/**
 * A real browser for one test file: one Chromium, a fresh profile for each page. Owns what no page of ours may ever do:
 * throw, log an error, break its own Content-Security-Policy, or ask another server for anything. A test during which
 * one of its pages did so fails, whatever it was about.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { DESKTOP, launchChromium, PHONE } from './chromium.ts'

export interface OpenOptions {
  /** A phone: 360 by 740, with touch. Else a desktop of 1280 by 800. */
  readonly isPhone?: boolean
  readonly colorScheme?: 'light' | 'dark'
  /** Of other servers that the page is told to connect to, such as `ws://127.0.0.1:1234`. */
  readonly otherSockets?: readonly string[]
  /** Of other servers that the page is told to ask over HTTP, with their ports. */
  readonly otherHosts?: readonly string[]
  /** The test can move the time of the page: `page.clock`. */
  readonly hasClock?: boolean
}

export interface BrowserSuite {
  /** Opens the address in a profile of its own, which goes with the test. */
  open(url: string, options?: OpenOptions): Promise<Page>
}

const TIMEOUT_MS = 8_000

/** Answers such as 401, and servers that are away, are subjects of tests; Chromium logs them as errors. */
const NETWORK_ERROR = /^(Failed to load resource: |WebSocket connection to '[^']+' failed)/

/** Called at the top of a test file or of a `describe`. `argsOf`: more arguments of Chromium, asked for when it starts. */
export function browserSuite(argsOf: () => readonly string[] = () => []): BrowserSuite {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await launchChromium(argsOf())
  })
  afterAll(() => browser?.close())
  return {
    async open(url, options = {}) {
      const { isPhone = false, colorScheme = 'light', otherSockets = [], otherHosts = [], hasClock = false } = options
      const context = await browser!.newContext({
        viewport: isPhone ? PHONE : DESKTOP,
        hasTouch: isPhone,
        isMobile: isPhone,
        colorScheme,
        locale: 'en-GB',
        permissions: ['clipboard-read', 'clipboard-write'],
      })
      const faults = watchFaults(context, new URL(url).host, otherSockets, otherHosts)
      onTestFinished(async () => {
        await context.close()
        if (faults.length > 0) throw new Error(`The page did what it must not do:\n${faults.join('\n')}`)
      })
      const page = await context.newPage()
      page.setDefaultTimeout(TIMEOUT_MS)
      if (hasClock) await page.clock.install()
      await page.goto(url)
      return page
    },
  }
}

/** What pages of the context do that they must not, as it happens. `host` is where they come from, with its port. */
export function watchFaults(
  context: BrowserContext,
  host: string,
  otherSockets: readonly string[] = [],
  otherHosts: readonly string[] = [],
): readonly string[] {
  const faults: string[] = []
  const sockets = [`ws://${host}/`, ...otherSockets]
  context.on('weberror', (error) => faults.push(`Uncaught: ${error.error().stack}`))
  context.on('console', (message) => {
    if (message.type() === 'error' && !NETWORK_ERROR.test(message.text())) faults.push(`Logged: ${message.text()}`)
  })
  context.on('request', (request) => {
    const { protocol, host: asked } = new URL(request.url())
    if (protocol !== 'blob:' && asked !== host && !otherHosts.includes(asked)) faults.push(`Asked for ${request.url()}`)
  })
  context.on('page', (page) =>
    page.on('websocket', (socket) => {
      if (!sockets.some((start) => socket.url().startsWith(start))) faults.push(`Connected to ${socket.url()}`)
    }),
  )
  return faults
}
