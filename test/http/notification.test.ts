import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { unusualJson } from '../support/unusual-json.ts'
import { errorOf, MAX_BODY_BYTES, streamOf, testApp } from './support.ts'

const GOOD = '{"topic":"/topic/toast","message":"Hello"}'

/** A valid body of exactly this many bytes. */
function bodyOf(bytes: number): string {
  const frame = '{"topic":"/topic/toast","message":""}'
  return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`)
}

describe('POST /api/notification', () => {
  it('answers 200 with an empty body after the bus has taken the message', async () => {
    let take = () => {}
    let isAnswered = false
    const { post } = testApp({
      deps: {
        outbound: { topicProblem: () => undefined, notify: () => new Promise((resolve) => (take = resolve)) },
      },
    })
    const answer = post(GOOD).then((response) => {
      isAnswered = true
      return response
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isAnswered).toBe(false)
    take()
    const response = await answer
    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([200, '', null])
  })

  it.each([
    ['text', '"Hello"'],
    ['empty text', '""'],
    ['false', 'false'],
    ['zero', '0'],
    ['an object', '{"a":[1,{"b":null}]}'],
    ['an array', '[null]'],
    ['text beyond ASCII', '"Grüße 👋"'],
    ['the largest number', '1.7976931348623157e308'],
  ])('takes %s as message', async (_name, json) => {
    const { post, notified } = testApp()
    expect((await post(`{"topic":"/topic/toast","message":${json}}`)).status).toBe(200)
    expect(notified).toEqual([{ topic: '/topic/toast', json }])
  })

  it.each(unusualJson.filter((json) => json !== 'null'))('hands JSON on as it is written: %s', async (json) => {
    const { post, notified } = testApp()
    expect((await post(`\uFEFF{ "message" :\r\n${json} ,"x":{"message":0},"topic":"/topic/toast"}`)).status).toBe(200)
    expect(notified).toEqual([{ topic: '/topic/toast', json }])
  })

  it('takes text that is written with escapes as the text that it means', async () => {
    const { post, notified } = testApp()
    expect((await post('{"topic":"/topic/toast","message":"\\u00e9\\/"}')).status).toBe(200)
    expect(notified).toEqual([{ topic: '/topic/toast', json: '"é/"' }])
  })

  it('keeps prototype keys of the message as data, and takes no field from them', async () => {
    const { post, notified } = testApp()
    const message = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}}'
    expect((await post(`{"topic":"/topic/toast","message":${message}}`)).status).toBe(200)
    expect(notified[0]?.json).toBe(message)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    const response = await post(`{"__proto__":${GOOD}}`)
    expect([response.status, (await errorOf(response)).field]).toEqual([400, 'topic'])
  })

  it('tolerates fields it does not know, and of equal keys takes the last', async () => {
    const { post, notified } = testApp()
    expect((await post('{"topic":7,"extra":1,"message":"a","topic":"/topic/b","message":"c"}')).status).toBe(200)
    expect(notified).toEqual([{ topic: '/topic/b', json: '"c"' }])
    expect((await post('{"topic":"/topic/b","message":{"a":1},"m":1,"message":[ 2.0 ]}')).status).toBe(200)
    expect(notified[1]).toEqual({ topic: '/topic/b', json: '[ 2.0 ]' })
  })

  it('takes a byte order mark, white space and a body in pieces', async () => {
    const { post, notified } = testApp()
    expect((await post(`\uFEFF ${GOOD}\n`)).status).toBe(200)
    expect((await post(streamOf(...GOOD))).status).toBe(200)
    expect(notified).toHaveLength(2)
  })

  it.each<[name: string, body: string, fields: string[], code: string]>([
    ['no topic', '{"message":"x"}', ['topic'], 'bad-field'],
    ['no message', '{"topic":"/topic/x"}', ['message'], 'bad-field'],
    ['nothing', '{}', ['topic', 'message'], 'bad-field'],
    ['null', '{"topic":null,"message":null}', ['topic', 'message'], 'bad-field'],
    ['a number as topic', '{"topic":1,"message":"x"}', ['topic'], 'bad-field'],
    ['a list as topic', '{"topic":["/topic/x"],"message":"x"}', ['topic'], 'bad-field'],
    ['an object as topic', '{"topic":{},"message":"x"}', ['topic'], 'bad-field'],
    ['true as topic', '{"topic":true,"message":"x"}', ['topic'], 'bad-field'],
    ['an empty topic', '{"topic":"","message":"x"}', ['topic'], 'bad-field'],
    ['a long topic', JSON.stringify({ topic: `/topic/${'x'.repeat(1018)}`, message: 'x' }), ['topic'], 'bad-field'],
    ['a topic elsewhere', '{"topic":"/app/x","message":"x"}', ['topic'], 'bad-destination'],
    ['a topic elsewhere and no message', '{"topic":"/app/x"}', ['message', 'topic'], 'bad-field'],
    ['a list', '[]', [], 'bad-field'],
    ['text', '"x"', [], 'bad-field'],
    ['null alone', 'null', [], 'bad-field'],
  ])('refuses %s and names the fields', async (_name, body, fields, code) => {
    const { post, notified } = testApp()
    const response = await post(body)
    const error = await errorOf(response)
    expect([response.status, error.code, error.field]).toEqual([400, code, fields[0]])
    expect(error.problems?.map(({ field }) => field) ?? []).toEqual(fields)
    expect(error.message).toMatch(/^(Topic|Message|The body) /)
    expect(notified).toEqual([])
  })

  it('takes a topic of 1024 characters', async () => {
    const { post } = testApp()
    expect((await post(JSON.stringify({ topic: `/topic/${'x'.repeat(1017)}`, message: 'x' }))).status).toBe(200)
  })

  it.each<[name: string, body: string | Uint8Array<ArrayBuffer> | null]>([
    ['no body', null],
    ['an empty body', ''],
    ['white space', ' \r\n'],
    ['a cut body', GOOD.slice(0, -1)],
    ['two values', `${GOOD}${GOOD}`],
    ['a form', 'topic=/topic/x&message=x'],
    ['NaN', '{"topic":"/topic/x","message":NaN}'],
    ['invalid UTF-8', new Uint8Array([...new TextEncoder().encode('{"topic":"/topic/x","message":"'), 0xc3, 0x28])],
    ['UTF-16', new Uint8Array(Buffer.from(`\uFEFF${GOOD}`, 'utf16le'))],
    ['a message 1001 deep', `{"topic":"/topic/x","message":${'['.repeat(1000)}${']'.repeat(1000)}}`],
    ['a message half a million deep', `{"topic":"/topic/x","message":${'['.repeat(500_000)}`],
  ])('refuses %s with 400', async (_name, body) => {
    const { post, notified, logged } = testApp()
    const response = await post(body)
    expect([response.status, (await errorOf(response)).code]).toEqual([400, 'bad-json'])
    expect(notified).toEqual([])
    expect(logged.filter(({ level }) => level !== 'debug')).toEqual([])
  })

  it('takes 1000 levels, and brackets in text as text', async () => {
    const { post } = testApp()
    expect((await post(`{"topic":"/topic/x","message":${'['.repeat(999)}${']'.repeat(999)}}`)).status).toBe(200)
    expect((await post(JSON.stringify({ topic: '/topic/x', message: `\\"${'[{'.repeat(2000)}` }))).status).toBe(200)
  })

  it('refuses a body that ends early, as the client left, without an error in the log', async () => {
    const { post, logged } = testApp()
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('aborted')) })
    expect((await post(body)).status).toBe(400)
    expect(logged.filter(({ level }) => level !== 'debug')).toEqual([])
  })
})

describe('the content type of a notification', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json; odata=verbose; charset=utf8',
    'application/vnd.example.v1+json',
    'application/cloudevents+json; charset=utf-8',
  ])('may be %s', async (type) => {
    expect((await testApp().post(GOOD, { 'Content-Type': type })).status).toBe(200)
  })

  it.each([
    '',
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json-seq',
    'application/+json',
    'application/json, text/plain',
    'text/plain; application/json',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
  ])('may not be "%s"', async (type) => {
    const response = await testApp().post(GOOD, { 'Content-Type': type })
    expect([response.status, (await errorOf(response)).code]).toEqual([415, 'unsupported-media-type'])
  })

  it('may not hide a compressed body', async () => {
    expect((await testApp().post(GOOD, { 'Content-Encoding': 'gzip' })).status).toBe(415)
    expect((await testApp().post(GOOD, { 'Content-Encoding': 'identity' })).status).toBe(200)
  })
})

describe('the size of a notification', () => {
  const half = MAX_BODY_BYTES / 2
  const isTooLarge = async (response: Response) => [response.status, (await errorOf(response)).code]

  it('may be the limit, announced and chunked', async () => {
    const { post } = testApp()
    const body = bodyOf(MAX_BODY_BYTES)
    expect((await post(body, { 'Content-Length': `${body.length}` })).status).toBe(200)
    expect((await post(streamOf(body.slice(0, half), body.slice(half)))).status).toBe(200)
  })

  it('is refused one byte above, announced and chunked', async () => {
    const { post, notified } = testApp()
    const body = bodyOf(MAX_BODY_BYTES + 1)
    const announced = await post(body, { 'Content-Length': `${body.length}` })
    expect(await isTooLarge(announced)).toEqual([413, 'body-too-large'])
    const chunked = await post(streamOf(body.slice(0, half), body.slice(half)))
    expect(await isTooLarge(chunked)).toEqual([413, 'body-too-large'])
    expect(notified).toEqual([])
  })

  it('counts bytes, not characters', async () => {
    const { post } = testApp({ options: { maxBodyBytes: 50 } })
    const body = JSON.stringify({ topic: '/topic/x', message: 'ü'.repeat(10) })
    expect([body.length, (await post(streamOf(body))).status]).toEqual([43, 413])
  })

  it.each(['99999999999999999999', '1e30', 'Infinity'])('is refused unread when announced as %s', async (length) => {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) }) // never comes
    expect(await isTooLarge(await testApp().post(body, { 'Content-Length': length }))).toEqual([413, 'body-too-large'])
  })

  it('is refused at the limit when the rest never comes, and the reading stops', async () => {
    let isCancelled = false
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(MAX_BODY_BYTES + 1)),
      pull: () => new Promise(() => {}),
      cancel: () => {
        isCancelled = true
        return new Promise(() => {})
      },
    })
    // Untrue lengths are no way round.
    const response = await testApp().post(body, { 'Content-Length': '10' })
    expect(await isTooLarge(response)).toEqual([413, 'body-too-large'])
    expect(isCancelled).toBe(true)
  })
})

describe('a notification that the broker refuses', () => {
  const failing = (error: Error) =>
    testApp({ deps: { outbound: { topicProblem: () => undefined, notify: () => Promise.reject(error) } } })

  it('answers 503 with Retry-After while the bus is away', async () => {
    const { post } = failing(new ProtocolError('bus-unavailable', 'The bus is unavailable'))
    const response = await post(GOOD)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await errorOf(response)).toEqual({ code: 'bus-unavailable', message: 'The bus is unavailable' })
  })

  it('answers with the status of the table', async () => {
    const response = await failing(new ProtocolError('not-authorized', 'Not for you')).post(GOOD)
    expect([response.status, response.headers.get('retry-after')]).toEqual([403, null])
  })

  it('answers 500 without detail to a fault of ours, and logs it', async () => {
    const error = new Error('secret host 10.0.0.7')
    const { post, logged } = failing(error)
    const response = await post(GOOD)
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: { code: 'internal', message: 'Internal error' } },
    ])
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ error }) }),
    )
  })
})
