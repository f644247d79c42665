/** That those who read a history stop between two pages until garbage was collected, and miss nothing by that. */
import { expect, it } from 'vitest'
import { RecoveryStage, turns } from './stage.ts'

const MESSAGES = 50
/** Less than a page has. */
const COLLECT_EVERY = 50

it('who reads a history pauses between two pages: nothing is read while garbage is collected', async () => {
  const stage = new RecoveryStage({}, false, COLLECT_EVERY)
  for (let i = 0; i < MESSAGES; i++) stage.log.add(`message ${i}`)
  await stage.settle()
  const { receiver } = stage.subscribe({ kind: 'last', count: MESSAGES })
  while (receiver.bodies.length <= MESSAGES) {
    stage.log.carryOut()
    stage.log.answer()
    await turns()
    stage.clock.advance(1)
  }
  expect(receiver.bodies.slice(1)).toEqual(Array.from({ length: MESSAGES }, (_, i) => `message ${i}`))
  expect(stage.collected.length).toBeGreaterThan(10)
  expect(Math.max(...stage.collected)).toBe(0)
})
