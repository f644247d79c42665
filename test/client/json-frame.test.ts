import { describe, expect, it } from 'vitest'
import { droppedStamp, JsonFrame } from '../../src/client/json-frame.ts'

const MESSAGE = { id: 'node-7', destination: '/topic/a', headers: [['x', '1']], body: 'hello' } as const

describe('a message as JSON', () => {
  const read = (message: ConstructorParameters<typeof JsonFrame>[0], dropped = 0): unknown =>
    JSON.parse(new JsonFrame(message).stamp(droppedStamp(dropped)))

  it('has its place in the history of its destination among the headers', () => {
    expect(read({ ...MESSAGE, position: { offset: '17-3', epoch: 'e1' } })).toEqual({
      destination: '/topic/a',
      headers: { 'message-id': 'node-7', offset: '17-3', epoch: 'e1', x: '1' },
      body: 'hello',
    })
  })

  it('takes the place from nobody else', () => {
    const headers = [['offset', 'forged']] as const
    expect(read({ ...MESSAGE, headers, position: { offset: '17-3', epoch: 'e1' } })).toMatchObject({
      headers: { offset: '17-3' },
    })
  })

  it('has the stamp among the headers, and is as long as it says without it', () => {
    expect(read(MESSAGE, 3)).toMatchObject({ headers: { dropped: '3', 'message-id': 'node-7', x: '1' } })
    const frame = new JsonFrame(MESSAGE)
    expect(frame.length).toBe(frame.stamp('').length)
  })

  it('is right for every text', () => {
    const odd = '"\\\n\r\0\u2028\ud83d\udc0e</script>'
    expect(read({ ...MESSAGE, destination: odd, headers: [[odd, odd]], body: odd })).toEqual({
      destination: odd,
      headers: { 'message-id': 'node-7', [odd]: odd },
      body: odd,
    })
  })
})
