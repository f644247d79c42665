/**
 * What every browser suite stands on: Chromium, a bridge on Bun with its page and, for suites that look at it from
 * outside, a Redis. Owns them for the length of the file, or of the `describe` that asked for them.
 */
import type { Redis } from 'ioredis'
import type { Page } from 'playwright-core'
import { beforeAll } from 'vitest'
import { browserSuite, type BrowserSuite, type OpenOptions } from '../../../support/browser.ts'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import type { RedisServer } from '../../../support/redis.ts'
import { startWorld, untilReady, type World } from '../../../support/world.ts'
import { connect } from './page.ts'

type Env = Readonly<Record<string, string>>

export interface StageOptions {
  /** Put the bridge on a Redis; else it is on the embedded bus. */
  readonly redis?: boolean
  readonly env?: Env
  /** More arguments of Chromium. */
  readonly browserArgs?: readonly string[]
}

export interface OpenPageOptions extends OpenOptions {
  /** The page of another bridge. */
  readonly at?: { readonly url: string }
}

/** Called at the top of a test file or of a `describe`; what it has is there when the first test runs. */
export function pageStage(options: StageOptions = {}): PageStage {
  const stage = new PageStage(browserSuite(() => options.browserArgs ?? []))
  beforeAll(() => stage.start(options))
  return stage
}

export class PageStage {
  readonly #browser: BrowserSuite
  #running: Partial<World> = {}

  constructor(browser: BrowserSuite) {
    this.#browser = browser
  }

  async start({ redis = false, env = {} }: StageOptions): Promise<void> {
    this.#running = redis ? await startWorld({ runtime: 'bun', env }) : { bridge: await startBridge(env) }
  }

  get bridge(): BridgeProcess {
    return there(this.#running.bridge)
  }

  get redis(): RedisServer {
    return there(this.#running.redis)
  }

  /** A client of Redis, such as a backend has. */
  get backend(): Redis {
    return there(this.#running.backend)
  }

  /** The page of the bridge, drawn. */
  async open({ at = this.bridge, ...options }: OpenPageOptions = {}): Promise<Page> {
    const page = await this.visit(`${at.url}/debugger/`, options)
    await page.getByRole('banner').waitFor()
    return page
  }

  /** The page with a connection to its bridge. */
  async openConnected(options?: OpenPageOptions): Promise<Page> {
    const page = await this.open(options)
    await connect(page)
    return page
  }

  /** Any address, as soon as it is loaded. */
  visit(url: string, options?: OpenOptions): Promise<Page> {
    return this.#browser.open(url, options)
  }
}

/** Another bridge on Bun that is ready: on the Redis of `REDIS_URL`, else on the embedded bus. */
export async function startBridge(env: Env = {}): Promise<BridgeProcess> {
  const bridge = await spawnBridge({ runtime: 'bun', env })
  await untilReady(bridge)
  return bridge
}

function there<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The stage has not been started, or with no Redis')
  return part
}
