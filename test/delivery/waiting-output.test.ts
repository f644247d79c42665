/** A client has something that waits for the end of the turn, such as a receipt: nothing that it gets overtakes it. */
import { describe, expect, it } from 'vitest'
import { TurnEnd } from '../../src/delivery/turn-end.ts'
import { turn } from '../support/fake-turn.ts'
import type { FakeReceiver } from './fake-receiver.ts'
import { DeliveryStage } from './stage.ts'

const RECEIPT = 'RECEIPT\nreceipt-id:r\n\n\0'
/** Too long to be gathered: it leaves at once. */
const LONG = 'long'.padEnd(20_000, '.')

const MARKER = { position: { epoch: 'e', offset: '1' }, from: '0', count: 0, recovered: undefined, missed: undefined }

function stageWithReceipts() {
  const stage = new DeliveryStage()
  const turnEnd = new TurnEnd(stage.log)
  const answer = ({ output }: FakeReceiver) => {
    turnEnd.gather(output)
    output.write(RECEIPT)
  }
  return { stage, answer }
}

const orderOf = ({ frames }: FakeReceiver) =>
  frames.map((frame) => (frame.command === 'RECEIPT' ? 'receipt' : Buffer.from(frame.body).toString().slice(0, 4)))

describe('what waits in an output', () => {
  it.each(['short', LONG])('comes before what a sole member gets in the same turn (%#)', async (body) => {
    const { stage, answer } = stageWithReceipts()
    const receiver = stage.open()
    answer(receiver)
    stage.deliver(body)
    await turn()
    expect(orderOf(receiver)).toEqual(['receipt', body.slice(0, 4)])
  })

  it('comes before what is recovered, and that before what is live', async () => {
    const { stage, answer } = stageWithReceipts()
    const others = [stage.open(), stage.open()]
    const receiver = stage.open({ isRecovering: true })
    stage.deliver('gathered first')
    const missed = stage.message('missed')
    answer(receiver)
    stage.delivery.deliverRecovered(receiver.feed, [missed])
    stage.delivery.goLive(receiver.feed)
    stage.deliver(LONG)
    answer(receiver)
    await turn()
    expect(orderOf(receiver)).toEqual(['receipt', 'miss', 'long', 'receipt'])
    for (const other of others) expect(orderOf(other)).toEqual(['gath', 'long'])
  })

  it('comes before what a group of several gets once a second has joined', async () => {
    const { stage, answer } = stageWithReceipts()
    const first = stage.open()
    const second = stage.open({ destination: '/topic/b' })
    answer(first)
    answer(second)
    const third = stage.open({ like: second })
    stage.deliver(LONG)
    await turn()
    for (const receiver of [first, third]) expect(orderOf(receiver)).toEqual(['receipt', 'long'])
  })

  it.each(['a message for it alone', 'a marker'])(
    'with %s behind it comes before what its group gets next',
    async (what) => {
      const { stage, answer } = stageWithReceipts()
      const [receiver] = [stage.open(), stage.open()]
      answer(receiver)
      if (what === 'a marker') stage.delivery.tell(receiver.feed, MARKER)
      else stage.delivery.deliverTo(receiver.feed, stage.message('mine'))
      stage.deliver(LONG)
      await turn()
      expect(orderOf(receiver)).toEqual(['receipt', what === 'a marker' ? '' : 'mine', 'long'])
    },
  )

  it('is told to the meter once it is written', async () => {
    const { stage, answer } = stageWithReceipts()
    stage.open()
    const receiver = stage.open({ destination: '/topic/b' })
    answer(receiver)
    const { output } = receiver
    expect(stage.meter.told.filter(({ tally }) => tally === output)).toEqual([])
    stage.open({ like: receiver })
    expect(stage.meter.told.filter(({ tally }) => tally === output)).toEqual([
      { tally: output, length: RECEIPT.length },
    ])
    await turn()
    expect(output.total([])).toBeGreaterThan(0)
    expect(stage.meter.told.filter(({ tally }) => tally === output)).toHaveLength(1)
  })
})
