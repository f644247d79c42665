/**
 * What was acknowledged, what came, and what was said of the rest, while servers of Redis come and go: a sender that posts numbers
 * one after the other, a client that stays, and the history as it is at the end. Knows the bridge only from outside.
 */
import { expect } from 'vitest'
import { ask, enter, http, page, placeOf, since, type Place } from '../../history/stage.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { bodyText, type StompPeer } from '../../../support/stomp-peer.ts'
import { waitFor } from '../../../support/wait.ts'

export interface Ledger {
  readonly topic: string
  /** Numbers that the bridge said Redis has. */
  readonly acknowledged: readonly number[]
  /** Numbers that came to the client that stayed, and between them what a marker said: `false` for a loss. */
  readonly came: readonly (number | false)[]
  /** Posts that were refused. */
  readonly refused: readonly number[]
  /** Resolves when so many more are acknowledged. */
  more(count: number): Promise<void>
  /** Ends the load. */
  stop(): Promise<void>
}

/** Starts the load. The client asks for its place, so that it is told of losses. `reading`: where it is, if not where is posted. */
export async function startLedger(bridge: BridgeProcess, topic: string, reading = bridge): Promise<Ledger> {
  const peer = await enter(reading)
  await ask(peer, topic, { last: '0' })
  const [acknowledged, came, refused]: [number[], (number | false)[], number[]] = [[], [], []]
  void readAll(peer, came)
  let isGoing = true
  const load = (async () => {
    for (let n = 1; isGoing; n++) {
      const { status } = await http(bridge.url, 'POST', '/api/notification', { topic, message: String(n) })
      ;(status === 200 ? acknowledged : refused).push(n)
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return {
    topic,
    acknowledged,
    came,
    refused,
    async more(count) {
      const target = acknowledged.length + count
      await waitFor(() => acknowledged.length >= target, { timeoutMs: 40_000 })
    },
    async stop() {
      isGoing = false
      await load
    },
  }
}

async function readAll(peer: StompPeer, came: (number | false)[]): Promise<void> {
  for (;;) {
    // Ends with the test, which ends the client.
    const frame = await peer.expect('MESSAGE').catch(() => undefined)
    if (!frame) return
    if (frame.headers.get('event') !== 'position') came.push(Number(bodyText(frame)))
    else if (frame.headers.get('recovered') === 'false') came.push(false)
  }
}

/** Where the history is now. */
export async function placeNow(bridge: BridgeProcess, topic: string): Promise<Place> {
  const { offset, epoch } = await page(bridge, topic, { last: '1' })
  return { offset, epoch }
}

/**
 * Expects that nobody was told a wrong thing: what came is in order and not doubled, all that was acknowledged has come or
 * a loss was told, and whoever asks from `from` is told that all is there only if it is. Returns how many are lost.
 */
export async function expectHonest(bridge: BridgeProcess, ledger: Ledger, from: Place): Promise<number> {
  const { topic, acknowledged, came } = ledger
  const last = acknowledged.at(-1)
  await waitFor(() => came.includes(last!), { timeoutMs: 20_000 })
  const numbers = came.filter((each) => each !== false)
  expect(numbers, 'in order, and each once').toEqual([...new Set(numbers)].sort((a, b) => a - b))
  const missing = acknowledged.filter((n) => !numbers.includes(n))
  if (missing.length > 0) expect(came, `of ${missing.length} that did not come nothing was said`).toContain(false)

  const peer = await enter(bridge)
  const marker = await ask(peer, topic, since(from))
  const count = Number(marker.headers.get('count'))
  const held: number[] = []
  while (held.length < count) held.push(Number(bodyText(await peer.expect('MESSAGE', { event: undefined }))))
  const lost = acknowledged.filter((n) => n > held[0]! && !held.includes(n))
  if (marker.headers.get('recovered') === 'true') {
    expect(lost, 'lost, although the marker says that nothing is').toEqual([])
    expect(held).toEqual(held.toSorted((a, b) => a - b))
  }
  expect(placeOf(marker).offset).toBeDefined()
  return lost.length
}
