import { describe, expect, it } from 'vitest'
import { WorkQueue } from '../../src/access/work-queue.ts'

describe('the queue of costly work', () => {
  it('lets sources take turns, however much one of them wants; the work of each is in order', async () => {
    const queue = new WorkQueue({ maxRunning: 1, maxWaiting: 10 })
    const done: string[] = []
    const run = (source: string, name: string) => {
      const never = () => new Error('not expected')
      const options = { source, signal: new AbortController().signal, full: never, left: never }
      return queue.run(async () => void done.push(name), options)
    }
    const greedy = ['a1', 'a2', 'a3', 'a4'].map((name) => run('a', name))
    const others = [run('b', 'b1'), run('c', 'c1'), run('b', 'b2')]
    await Promise.all([...greedy, ...others])
    expect(done).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })
})
