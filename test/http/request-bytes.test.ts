import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { HttpError } from '../../src/http/json-error.ts'
import { readBytes } from '../../src/http/request-bytes.ts'
import { streamOf } from './support.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function read(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const request = new Request('http://localhost/', { method: 'POST', body, duplex: 'half' })
  return readBytes(request, maxBytes, (message, cause) => new HttpError('bad-body', message, {}, { cause }))
}

describe('readBytes', () => {
  it.each([
    [[]],
    [[[1, 2, 3]]],
    [[[], [1], []]],
    [[[1, 2], [3], [], [4, 5, 6, 7, 8]]],
    [Array.from({ length: 1000 }, (_, i) => [i % 256])],
  ])('gives the pieces %j as one', async (pieces) => {
    const whole = pieces.flat()
    const bytes = await read(streamOf(...pieces.map((piece) => new Uint8Array(piece))), Math.max(whole.length, 1))
    expect([...bytes]).toEqual(whole)
  })

  it('leaves the pieces as they are', async () => {
    const room = new Uint8Array([1, 9, 9, 9])
    expect([...(await read(streamOf(room.subarray(0, 1), new Uint8Array([2])), 4))]).toEqual([1, 2])
    expect([...room]).toEqual([1, 9, 9, 9])
  })

  it('keeps the bytes only, not the pieces they came in', async () => {
    const pieces: WeakRef<Uint8Array>[] = []
    let kept = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = new Uint8Array([1])
        pieces.push(new WeakRef(piece))
        controller.enqueue(piece)
        if (pieces.length < 1000) return
        await setImmediate()
        collectGarbage()
        kept = pieces.filter((each) => each.deref()).length
        controller.close()
      },
    })
    expect(await read(body, 1000)).toHaveLength(1000)
    expect(kept).toBeLessThan(10)
  })
})
