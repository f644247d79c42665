import { describe, expect, it } from 'vitest'
import { Replica, type State } from '../../src/presence/replica.ts'
import { settle } from '../cluster/network.ts'

const ROOM = '/topic/1'

/** A replica whose questions the test answers. */
function replicaOf(...destinations: string[]) {
  const counts = new Map<string, number>()
  const questions: { readonly destinations: readonly string[]; answer(state: State | undefined): Promise<void> }[] = []
  const settled: string[] = []
  const replica = new Replica({
    ask: (asked) =>
      new Promise((resolve) => {
        const answer = (state: State | undefined) => {
          resolve(state)
          return settle()
        }
        questions.push({ destinations: asked, answer })
      }),
    change: (destination, user, by) => {
      const key = `${destination} ${user}`
      const count = (counts.get(key) ?? 0) + by
      if (count === 0) counts.delete(key)
      else counts.set(key, count)
    },
    recall: () => {},
    settled: (destination) => settled.push(destination),
  })
  for (const destination of destinations) replica.watch(destination)
  return { replica, questions, settled, list: () => [...counts].map(([key, count]) => `${key} ${count}`).sort() }
}

describe('a replica', () => {
  it('lays what comes while it asks over the answer, if that is newer', async () => {
    const { replica, questions, settled, list } = replicaOf(ROOM)
    replica.changed(6, [
      [ROOM, 'alice', 's1', 2],
      [ROOM, 'carol', 's3', 0],
    ])
    replica.changed(7, [
      [ROOM, 'bob', 's2', 1],
      [ROOM, 'dora', 's4', 0],
    ])
    // what was told last with 6 is in it
    await questions[0]!.answer({
      number: 6,
      here: [
        [0, 'alice', 's1', 2, 0],
        [0, 'dora', 's4', 1, 0],
        [0, 'eve', 's5', 1, 0],
      ],
    })
    expect(list()).toEqual([`${ROOM} alice 2`, `${ROOM} bob 1`, `${ROOM} eve 1`])
    expect(settled).toEqual([ROOM])
    expect(questions).toHaveLength(1)
  })

  it('asks again when something is missing between the answer and what has come since', async () => {
    const { replica, questions, settled, list } = replicaOf(ROOM)
    replica.changed(7, [[ROOM, 'bob', 's2', 1]])
    await questions[0]!.answer({ number: 5, here: [[0, 'alice', 's1', 1, 0]] })
    expect(settled).toEqual([])
    await questions[1]!.answer({ number: 7, here: [[0, 'bob', 's2', 1, 0]] })
    expect(list()).toEqual([`${ROOM} bob 1`])
    expect(settled).toEqual([ROOM])
  })

  it('asks for everything again when a change, or the last ones, did not come', async () => {
    const { replica, questions, list } = replicaOf(ROOM)
    await questions[0]!.answer({ number: 5, here: [[0, 'alice', 's1', 1, 0]] })
    replica.heard(5)
    replica.changed(6, [])
    expect(questions).toHaveLength(1)
    replica.changed(8, [[ROOM, 'bob', 's2', 1]])
    expect(questions).toHaveLength(2)
    expect(list()).toEqual([`${ROOM} alice 1`, `${ROOM} bob 1`])
    await questions[1]!.answer({ number: 8, here: [[0, 'bob', 's2', 1, 0]] })
    expect(list()).toEqual([`${ROOM} bob 1`])
    replica.heard(9)
    await questions[2]!.answer({ number: 9, here: [] })
    expect(list()).toEqual([])
  })

  it('notices by the answer for one destination that changes of others did not come', async () => {
    const { replica, questions, list } = replicaOf(ROOM)
    await questions[0]!.answer({ number: 5, here: [] })
    replica.watch('/topic/2')
    await questions[1]!.answer({ number: 6, here: [] })
    expect(questions[2]!.destinations).toEqual([ROOM])
    await questions[2]!.answer({ number: 6, here: [[0, 'alice', 's1', 1, 0]] })
    expect(list()).toEqual([`${ROOM} alice 1`])
  })

  it('is not asked before it is heard again when it did not answer', async () => {
    const { replica, questions, settled } = replicaOf(ROOM)
    await questions[0]!.answer(undefined)
    expect(settled).toEqual([ROOM])
    expect(questions).toHaveLength(1)
    replica.heard(1)
    expect(questions).toHaveLength(2)
  })

  it('forgets what is not watched any more, also while it is asked, and all of it at the end', async () => {
    const { replica, questions, list } = replicaOf(ROOM, '/topic/2')
    replica.unwatch('/topic/2')
    await questions[0]!.answer({
      number: 1,
      here: [
        [0, 'alice', 's1', 3, 0],
        [1, 'alice', 's1', 1, 0],
        [2, 'x', 'x', 1, 0],
      ],
    })
    expect(list()).toEqual([`${ROOM} alice 3`])
    replica.changed(2, [['/topic/2', 'bob', 's2', 1]])
    replica.end()
    expect(list()).toEqual([])
    replica.changed(3, [[ROOM, 'bob', 's2', 1]])
    expect(list()).toEqual([])
  })
})
