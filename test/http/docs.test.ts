import { describe, expect, it } from 'vitest'
import { createHash } from 'node:crypto'
import { renderDocs } from '../../src/http/docs-page.ts'
import { notificationSchema } from '../../src/http/notification.ts'
import { createDocument, type OpenApiDocument } from '../../src/http/openapi.ts'
import { rawRoute } from '../../src/http/raw.ts'
import { streamRoute, streamsRoute } from '../../src/http/sse.ts'
import { testApp } from './support.ts'

interface Operation {
  operationId: string
  summary: string
  description: string
  requestBody: { required: boolean; content: Record<string, { examples: Record<string, { value: unknown }> }> }
  responses: Record<string, { description: string; content: Record<string, { example: unknown }> }>
}

/** As much of the document as is looked at. */
interface Document {
  openapi: string
  info: { title: string; version: string }
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { properties: Record<string, { type: unknown }>; required: string[] }> }
}

async function documentOf(app = testApp()): Promise<Document> {
  const response = await app.request('/openapi.json')
  expect(response.headers.get('content-type')).toContain('application/json')
  return (await response.json()) as Document
}

async function pageOf(headers: Record<string, string> = {}) {
  const response = await testApp().request('/docs', { headers })
  return { response, page: await response.text() }
}

/** Every `$ref` in a JSON value. */
function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => (key === '$ref' ? [String(item)] : refsOf(item)))
}

describe('the OpenAPI document', () => {
  it('has every operation that is served, with a text for people', async () => {
    const { openapi, info, paths } = await documentOf()
    expect([openapi, info.title, info.version]).toEqual(['3.1.0', 'stomp-bridge', '1.2.3'])
    expect(Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((m) => `${m} ${path}`))).toEqual([
      'get /stomp',
      'post /api/notification',
      'post /api/notifications',
      'get /health',
      'get /ready',
      'get /metrics',
      'get /openapi.json',
      'get /docs',
    ])
    const operations = Object.values(paths).flatMap((item) => Object.values(item))
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { summary, description, responses } of operations) {
      expect([summary, description]).toEqual([expect.any(String), expect.any(String)])
      expect(Object.values(responses).every((response) => response.description)).toBe(true)
    }
  })

  it('has schemas for all that it refers to', async () => {
    const document = await documentOf()
    const refs = refsOf(document)
    expect(refs).toContain('#/components/schemas/Notification')
    expect(refs).toContain('#/components/schemas/Error')
    for (const ref of refs) {
      const name = ref.replace('#/components/schemas/', '')
      expect(document.components.schemas[name], ref).toHaveProperty('type', 'object')
    }
  })

  it('describes the notification by the schema that checks it', async () => {
    const { paths, components } = await documentOf()
    const { requestBody, responses } = paths['/api/notification']!.post!
    expect(Object.keys(responses)).toEqual(['200', '400', '401', '403', '413', '415', '429', '500', '502', '503'])
    expect(responses['200']).not.toHaveProperty('content')
    expect(requestBody.required).toBe(true)
    const { properties, required } = components.schemas.Notification!
    expect(Object.keys(properties)).toEqual(Object.keys(notificationSchema.shape))
    expect(required).toEqual(['topic', 'message'])
    expect(properties.topic).toMatchObject({ type: 'string', minLength: 1, maxLength: 1024 })
    expect(properties.message!.type).not.toContain('null')
  })

  it('has the configured path of the STOMP endpoint, with its refusals', async () => {
    const { paths } = await documentOf(testApp({ options: { path: '/ws' } }))
    expect(Object.keys(paths['/ws']!.get!.responses)).toEqual(['101', '401', '403', '426', '429', '503'])
  })

  it('has examples that the endpoint takes', async () => {
    const app = testApp()
    const { paths } = await documentOf(app)
    const examples = Object.values(paths['/api/notification']!.post!.requestBody.content['application/json']!.examples)
    expect(examples.length).toBeGreaterThan(1)
    for (const { value } of examples) expect((await app.post(JSON.stringify(value))).status).toBe(200)
    const sent = app.notified.map(({ topic, json }) => ({ topic, message: JSON.parse(json) as unknown }))
    expect(sent).toEqual(examples.map(({ value }) => value))
  })

  it('has an example of an error that is the real one', async () => {
    const app = testApp()
    const { paths } = await documentOf(app)
    const { responses } = paths['/api/notification']!.post!
    const example = (status: number) => responses[status]!.content['application/json']!.example
    expect(await (await app.post('{"message":1}')).json()).toEqual(example(400))
    expect(await (await app.post('{}', { 'Content-Type': 'text/plain' })).json()).toEqual(example(415))
    expect(await (await app.post('{}', { 'Content-Length': '1048577' })).json()).toEqual(example(413))
    expect(await (await app.post('{}', { Origin: 'http://evil.example' })).json()).toEqual(example(403))
    const stomp = paths['/stomp']!.get!.responses[426]!.content['application/json']!.example
    expect(await (await app.request('/stomp')).json()).toEqual(stomp)
  })
})

describe('/docs', () => {
  it('refers to nothing elsewhere', async () => {
    const { page } = await pageOf()
    const targets = [...page.matchAll(/\s(?:src|href|action|srcset)\s*=\s*["']?([^"'\s>]*)/gi)].map(
      (match) => match[1]!,
    )
    expect(targets.length).toBeGreaterThan(0)
    for (const target of targets) expect(target).toMatch(/^(#|\.\/)/)
    expect(page).not.toMatch(/<(script|img|iframe|object|link|form)|@import|url\(|\son\w+=|\sstyle=/i)
    for (const target of targets.filter((each) => each.startsWith('#')))
      expect(page).toContain(`id="${target.slice(1)}"`)
  })

  it('holds where a proxy has put the bridge below a path of its own: so do its links and those of the document', async () => {
    const { request } = testApp()
    // What the browser asks for, as the proxy passes it on.
    const behind = (url: URL) => {
      expect(url.href).toMatch(/^https:\/\/proxy\.example\/bridge\//)
      return request(url.pathname.replace('/bridge', ''))
    }
    const opened = new URL('https://proxy.example/bridge/docs')
    const page = await (await behind(opened)).text()
    const links = [...page.matchAll(/href="([^"#]+)"/g)].map(([, href]) => new URL(href!, opened))
    expect(links.map(({ pathname }) => pathname)).toEqual(['/bridge/openapi.json'])
    const { servers, paths } = (await (await behind(links[0]!)).json()) as Document & { servers: { url: string }[] }
    for (const path of ['/health', '/metrics', '/docs']) {
      expect(paths).toHaveProperty([path])
      expect((await behind(new URL(servers[0]!.url + path, links[0]))).status).toBe(200)
    }
  })

  it('names the path that a proxy says it has put before, if it is one', async () => {
    const example = async (prefix: string) =>
      /curl -i (\S+)\/api\/notification/.exec((await pageOf({ 'X-Forwarded-Prefix': prefix })).page)![1]
    expect(await example('/bridge')).toBe('http://bridge.example:8080/bridge')
    expect(await example('/a/b.c/')).toBe('http://bridge.example:8080/a/b.c')
    for (const prefix of ['/', 'bridge', '//evil.example', '/a b', '/$(reboot)', '/"><script>', '/a;b']) {
      expect(await example(prefix), prefix).toBe('http://bridge.example:8080')
    }
  })

  it('has a policy that allows its own style and nothing else', async () => {
    const { response, page } = await pageOf()
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain(`default-src 'none'; style-src 'sha256-${hash}';`)
    expect(policy).not.toContain('unsafe')
    expect(response.headers.get('content-type')).toMatch(/^text\/html; charset=utf-8$/i)
  })

  it('has commands for Server-Sent Events that work as they are, and a text for every parameter', async () => {
    const doors = createDocument('1.2.3', [rawRoute, streamRoute, streamsRoute])
    const page = String(await renderDocs(doors, { path: '/stomp', runtime: 'test' }, 'http://bridge.example'))
    const commands = [...page.matchAll(/<code>(curl [^<]+)<\/code>/g)].map(([, text]) =>
      text!.replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
    )
    expect(commands).toEqual([
      'curl -N http://bridge.example/sse/topic/greetings',
      "curl -N 'http://bridge.example/sse?destination=/topic/greetings&destination=/topic/toast'",
    ])
    expect(page).not.toMatch(/<dd>(undefined)?\./)
  })

  it('shows every operation of the document, and how to connect', async () => {
    const { page } = await pageOf()
    const { paths } = await documentOf()
    for (const [path, item] of Object.entries(paths)) {
      expect(page).toContain(`<code>${path}</code>`)
      for (const { summary } of Object.values(item)) expect(page).toContain(summary)
    }
    expect(page).toContain('ws://bridge.example:8080/stomp')
    expect(page).toContain('curl -i http://bridge.example:8080/api/notification')
  })

  it('names the host of the reader in its examples, if it is one', async () => {
    expect((await pageOf({ Host: 'stomp.example', 'X-Forwarded-Proto': 'https' })).page).toContain(
      'wss://stomp.example/stomp',
    )
    expect((await pageOf({ Host: '[::1]:9000' })).page).toContain('ws://[::1]:9000/stomp')
    for (const host of ['x;reboot', '$(reboot)', '"><script>', "a'b", 'a b']) {
      expect((await pageOf({ Host: host })).page, host).toContain('ws://localhost:8080/stomp')
    }
  })

  it('escapes everything that it shows', async () => {
    const evil = `<script>alert("1")</script>'&`
    const document = await documentOf()
    const poison = (value: unknown, key = ''): unknown => {
      if (typeof value === 'string') return ['$ref', 'operationId'].includes(key) || key === '' ? value : value + evil
      if (Array.isArray(value)) return value.map((item) => poison(item))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, name)]))
    }
    const poisoned = poison(document) as Document & OpenApiDocument
    for (const tag of poisoned.tags) tag.name = tag.name.replace(evil, '')
    poisoned.paths[`/x${evil}`] = poisoned.paths['/health']!
    const page = String(await renderDocs(poisoned, { path: `/s${evil}`, runtime: evil }, `http://h${evil}`))
    expect(page).not.toContain('<script')
    expect(page.split('&lt;script&gt;').length).toBeGreaterThan(30)
    expect(page.replaceAll(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&')
  })
})
