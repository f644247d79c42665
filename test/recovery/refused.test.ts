/** Who asks while Redis refuses: because somebody has to change something, or because it stores nothing now. */
import { describe, expect, it } from 'vitest'
import { BusRefusedError, NotStoredError } from '../../src/bus/bus.ts'
import { RecoveryStage, turns } from './stage.ts'

const LAST = { kind: 'last', count: 3 } as const

async function refuse(stage: RecoveryStage, error: Error): Promise<void> {
  await turns()
  stage.log.fail(error)
  await turns()
}

describe('a history that cannot be read', () => {
  it.each([
    ['bus-refused', new BusRefusedError('NOPERM')],
    ['bus-unavailable', new NotStoredError('OOM')],
  ])('is told as %s to who asks', async (code, error) => {
    const stage = new RecoveryStage()
    const asking = stage.subscribe(LAST)
    await refuse(stage, error)
    expect(asking.refusal).toMatchObject({ code })
    expect(stage.core.log.messages('warn')).toHaveLength(1)
    stage.unsubscribe(asking)
    const again = stage.subscribe(LAST)
    await stage.settle()
    expect([again.isStarted, again.refusal]).toEqual([true, undefined])
  })

  it('because Redis stores nothing is no refusal for who only gets what is retained, nor for who has begun', async () => {
    const stage = new RecoveryStage({ retain: true })
    stage.log.add('retained')
    await stage.settle()
    const live = stage.subscribe(LAST)
    await stage.settle()
    stage.history.setUnavailableReason('away')
    stage.history.setUnavailableReason(undefined)
    const quiet = stage.subscribe()
    const asking = stage.subscribe(LAST)
    await refuse(stage, new NotStoredError('OOM'))
    expect(asking.refusal).toMatchObject({ code: 'bus-unavailable' })
    expect([live.refusal, quiet.refusal, quiet.isStarted]).toEqual([undefined, undefined, false])
    stage.unsubscribe(asking)
    stage.log.add('more')
    await stage.settle()
    expect(quiet.isStarted).toBe(true)
    expect(quiet.receiver.bodies.at(-1)).toBe('more')
    expect(live.receiver.bodies.at(-1)).toBe('more')
  })
})
