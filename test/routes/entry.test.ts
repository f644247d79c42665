import { describe, expect, it } from 'vitest'
import { EntryFormat } from '../../src/routes/entry.ts'
import type { OutboundMessage } from '../../src/routes/payload.ts'

const MESSAGE: OutboundMessage = {
  destination: '/app/test',
  body: new Uint8Array(),
  headers: [
    ['content-type', 'text/plain'],
    ['priority', 'high'],
  ],
  session: 's-1',
  user: undefined,
}

function fieldsOf(
  fields: Record<string, string>,
  constants: Record<string, string> = {},
  message: Partial<OutboundMessage> = {},
) {
  const format = new EntryFormat({ stream: 'S', maxLength: 10, fields, constants, groups: [] }, ['g'])
  return format.fieldsOf({ ...MESSAGE, ...message })
}

describe('an entry', () => {
  it('has what the configuration says, in its order, and then what is the same in each', () => {
    const fields = {
      message: 'body',
      topic: 'destination',
      from: 'session',
      who: 'user',
      type: 'content-type',
      urgency: 'header.priority',
    }
    expect(fieldsOf(fields, { _class: 'a.B' }, { user: 'alice' })).toEqual([
      ['message', undefined],
      ['topic', '/app/test'],
      ['from', 's-1'],
      ['who', 'alice'],
      ['type', 'text/plain'],
      ['urgency', 'high'],
      ['_class', 'a.B'],
    ])
  })

  it('has the channel for the answer, and what it belongs to, under the names that a backend wants', () => {
    const fields = { replyTo: 'reply-to', correlationId: 'correlation-id' }
    const headers = [['correlation-id', '7']] as const
    expect(fieldsOf(fields, {}, { replyTo: 'session:s-1:reply:/user/queue/r', headers })).toEqual([
      ['replyTo', 'session:s-1:reply:/user/queue/r'],
      ['correlationId', '7'],
    ])
    expect(fieldsOf(fields)).toEqual([])
  })

  it('leaves out what the message does not have', () => {
    const fields = { message: 'body', who: 'user', type: 'content-type', other: 'header.other' }
    expect(fieldsOf(fields, {}, { headers: [] })).toEqual([['message', undefined]])
  })

  it('does not ask for headers that it does not need', () => {
    const message = {
      ...MESSAGE,
      get headers(): never {
        throw new Error('asked')
      },
    }
    const format = new EntryFormat(
      { stream: 'S', maxLength: 10, fields: { message: 'body', topic: 'destination' }, constants: {}, groups: [] },
      [],
    )
    expect(format.fieldsOf(message)).toHaveLength(2)
  })
})
