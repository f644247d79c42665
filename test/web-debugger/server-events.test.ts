import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readServerEvents, type ServerEvent } from '../../web-debugger/api/server-events.ts'
import { streamOf } from './debug-answers.ts'

async function read(...chunks: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  for await (const event of readServerEvents(streamOf(...chunks))) events.push(event)
  return events
}

describe('the reader of server-sent events', () => {
  it.each<[string, string, ServerEvent[]]>([
    ['a name and data', 'event: live\ndata: {"a":1}\n\n', [{ event: 'live', data: '{"a":1}' }]],
    ['no name', 'data: x\n\n', [{ event: 'message', data: 'x' }]],
    ['several lines of data', 'data: a\ndata: b\ndata:\n\n', [{ event: 'message', data: 'a\nb\n' }]],
    ['only the first space taken away', 'data:  x \n\n', [{ event: 'message', data: ' x ' }]],
    ['a colon in the data', 'data:a:b\n\n', [{ event: 'message', data: 'a:b' }]],
    ['comments', ': here\n\n:\ndata: x\n\n', [{ event: 'message', data: 'x' }]],
    ['fields that are not known', 'id: 7\nretry: 3\nnonsense\ndata: x\n\n', [{ event: 'message', data: 'x' }]],
    [
      'CRLF and CR',
      'event: a\r\ndata: x\r\n\r\ndata: y\r\r',
      [
        { event: 'a', data: 'x' },
        { event: 'message', data: 'y' },
      ],
    ],
    ['a byte order mark', '\ufeffdata: x\n\n', [{ event: 'message', data: 'x' }]],
  ])('reads %s', async (_subject, text, events) => {
    expect(await read(text)).toEqual(events)
  })

  it('gives no event without data, and forgets its name', async () => {
    expect(await read('event: live\n\ndata: x\n\n')).toEqual([{ event: 'message', data: 'x' }])
  })

  it('does not give a last event that was cut off', async () => {
    expect(await read('data: whole\n\ndata: cut')).toEqual([{ event: 'message', data: 'whole' }])
    expect(await read('data: cut\n')).toEqual([])
  })

  it('reads the same however the octets are cut', async () => {
    const bytes = new TextEncoder().encode(
      ': hi\r\n\r\nevent: message\r\ndata: {"payload":"grüße €😀"}\r\n\r\ndata: b\n\n',
    )
    const whole = await read(bytes)
    expect(whole).toHaveLength(2)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = ends.slice(1).map((end, i) => bytes.subarray(ends[i], end))
        expect(await read(...chunks)).toEqual(whole)
      }),
    )
  })

  it('gives each event as soon as it is there, and cancels the stream when reading stops', async () => {
    let isCancelled = false
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: first\n\n')),
      cancel: () => {
        isCancelled = true
      },
    })
    for await (const event of readServerEvents(stream)) {
      expect(event.data).toBe('first')
      break
    }
    expect(isCancelled).toBe(true)
  })
})
