/** When a process reads its configuration again, and what it says of that. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config.ts'
import { outcomeText, Reloads, type Outcome } from '../src/reloading.ts'
import { newSignal } from '../src/signal.ts'
import { FakeLog } from './support/fake-log.ts'
import { turn } from './support/fake-turn.ts'

const NOTHING: Outcome = { applied: [], needsRestart: [] }

function stage() {
  const log = new FakeLog()
  const reloads = new Reloads(log)
  let count = 0
  const counted = async (): Promise<Outcome> => {
    count++
    return NOTHING
  }
  return { log, reloads, counted, count: () => count }
}

describe('reloads', () => {
  it('that are asked for before the process serves are done when it does, once', async () => {
    const { reloads, counted, count } = stage()
    reloads.ask()
    reloads.ask()
    await turn()
    reloads.begin(counted)
    await turn()
    expect(count()).toBe(1)
  })

  it('that are asked for during one are one more, behind it', async () => {
    const { reloads } = stage()
    const works = [newSignal(), newSignal()]
    let begun = 0
    reloads.begin(async () => {
      await works[begun++]!.promise
      return NOTHING
    })
    reloads.ask()
    reloads.ask()
    reloads.ask()
    await turn()
    expect(begun).toBe(1)
    works[0]!.resolve()
    await turn()
    expect(begun).toBe(2)
    works[1]!.resolve()
    await turn()
    expect(begun).toBe(2)
  })

  it('are not done when the process stops, which is said', async () => {
    const { log, reloads, counted, count } = stage()
    reloads.begin(counted)
    reloads.end()
    reloads.ask()
    await turn()
    expect(count()).toBe(0)
    expect(log.messages('info')).toEqual(['The configuration is not read again: the bridge is stopping'])
  })

  it('say all problems in one error, and go on', async () => {
    const { log, reloads } = stage()
    let isGood = false
    reloads.begin(async () => {
      if (!isGood) parseConfig({ server: { port: -1, path: 'x' } })
      return { applied: ['access.rules', 'log.level'], needsRestart: ['server.port'] }
    })
    reloads.ask()
    await turn()
    const [error] = log.entries.filter(({ level }) => level === 'error')
    expect(error!.fields['problems']).toHaveLength(2)
    isGood = true
    reloads.ask()
    await turn()
    expect(log.messages('info')).toEqual([
      'Configuration reloaded: applied access.rules, log.level; needs a restart: server.port',
    ])
  })
})

it('a reload without a change says so', () => {
  expect(outcomeText(NOTHING)).toBe('Configuration reloaded: nothing has changed')
})
