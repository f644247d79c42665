import { describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import { DebuggerPage, type PageFile } from '../../src/debug/page.ts'
import { errorOf, testApp, type TestAppOptions } from '../http/support.ts'
import type { About } from '../../src/debug/schema.ts'

const HTML = '<!doctype html><title>Debugger</title><p>Grüße</p>'
const SCRIPT = 'console.log("hello")'.repeat(50)

function file(text: string, type: string, isImmutable: boolean): PageFile {
  return { type, body: gzipSync(text).toString('base64'), etag: `"${text.length}"`, isImmutable }
}

const FILES = {
  '': file(HTML, 'text/html; charset=utf-8', false),
  'app-abc123.js': file(SCRIPT, 'text/javascript; charset=utf-8', true),
}

function pageApp(
  options: TestAppOptions & { readonly about?: Partial<About> } = {},
  path = '/debugger',
  files: Record<string, PageFile> = FILES,
) {
  const { about, ...app } = options
  const facts = { version: '1.2.3', path, stompPath: '/stomp', api: false, tokenNeeded: false, ...about }
  return testApp({ ...app, deps: { page: new DebuggerPage(files, facts), ...app.deps } })
}

describe('the page of the debugger', () => {
  it.each([
    ['/debugger', '/', './debugger/'],
    ['/debugger', '/debugger', './debugger/'],
    ['/tools/stomp.v1', '/', './tools/stomp.v1/'],
    ['/tools/stomp.v1', '/tools/stomp.v1', './stomp.v1/'],
  ])('at %s is where %s leads', async (path, from, location) => {
    const response = await pageApp({}, path).request(from)
    expect([response.status, response.headers.get('location')]).toEqual([302, location])
    expect(new URL(location, `http://bridge.example${from}`).pathname).toBe(`${path}/`)
  })

  it.each(['/debugger', '/a/b'])('is at %s/ with a policy that allows what is its own alone', async (path) => {
    const response = await pageApp({}, path).request(`${path}/`)
    expect([response.status, await response.text()]).toEqual([200, HTML])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
        "connect-src 'self' ws: wss: http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
      etag: `W/"${HTML.length}"`,
      vary: 'Accept-Encoding',
    })
    expect(response.headers.get('content-encoding')).toBeNull()
  })

  it('keeps files with a hash in their name for ever', async () => {
    const response = await pageApp().request('/debugger/app-abc123.js')
    expect(await response.text()).toBe(SCRIPT)
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  })

  it.each([
    ['gzip', true],
    ['br, GZIP;q=0.5', true],
    ['*', true],
    ['deflate, br', false],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['identity', false],
    ['', false],
  ])('is compressed for "Accept-Encoding: %s": %s', async (accepted, isCompressed) => {
    const response = await pageApp().request('/debugger/app-abc123.js', { headers: { 'Accept-Encoding': accepted } })
    expect(response.headers.get('content-encoding')).toBe(isCompressed ? 'gzip' : null)
    const bytes = Buffer.from(await response.arrayBuffer())
    const expected = isCompressed ? Buffer.from(FILES['app-abc123.js'].body, 'base64') : Buffer.from(SCRIPT)
    expect(bytes.equals(expected)).toBe(true)
  })

  it.each([
    [`W/"${HTML.length}"`, 304],
    [`"${HTML.length}"`, 304],
    [`"x", W/"${HTML.length}"`, 304],
    ['*', 304],
    ['"other"', 200],
    [`${HTML.length}`, 200],
  ])('for who has %s is %i', async (tag, status) => {
    const response = await pageApp().request('/debugger/', { headers: { 'If-None-Match': tag } })
    expect(response.status).toBe(status)
    expect([response.headers.get('etag'), response.headers.get('cache-control')]).toEqual([
      `W/"${HTML.length}"`,
      'no-cache',
    ])
    expect((await response.text()) === '').toBe(status === 304)
  })

  it.each(['/', '/debugger', '/debugger/', '/debugger/app-abc123.js', '/debugger/about.json'])(
    '%s answers HEAD like GET, and nothing else',
    async (path) => {
      const { request } = pageApp()
      const headers = { 'X-Request-Id': 'the-same' }
      const [head, get] = [await request(path, { method: 'HEAD', headers }), await request(path, { headers })]
      expect([head.status, await head.text()]).toEqual([get.status, ''])
      expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers))
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const response = await request(path, { method })
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
        expect((await errorOf(response)).code).toBe('method-not-allowed')
      }
    },
  )

  it.each([
    'app.js',
    'constructor',
    '__proto__',
    'a/b',
    '../health',
    'app-abc123.js/',
    '%2e%2e/health',
    'app-abc123%2Ejs/',
  ])('has no file %s', async (name) => {
    const response = await pageApp().request(`/debugger/${name}`)
    // What leads out of the path is another path, and has its own answer.
    if (name.endsWith('/health')) return expect(await response.json()).toHaveProperty('status', 'ok')
    expect([response.status, (await errorOf(response)).code]).toEqual([404, 'not-found'])
  })

  it('says how to build it where it was not built, and what it is part of', async () => {
    const { request } = pageApp({}, '/debugger', {})
    const response = await request('/debugger/')
    expect([response.status, response.headers.get('cache-control')]).toEqual([503, 'no-store'])
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await response.text()).toContain('npm run build:debugger')
    expect((await request('/')).status).toBe(302)
    expect((await request('/debugger/about.json')).status).toBe(200)
  })

  it('is not there where it is switched off', async () => {
    const { request } = testApp()
    for (const path of ['/', '/debugger', '/debugger/', '/debugger/about.json']) {
      expect((await request(path)).status).toBe(404)
    }
  })

  it('is named to who asks for something else', async () => {
    expect((await errorOf(await pageApp().request('/nothing'))).message).toContain('GET /debugger')
    expect((await errorOf(await testApp().request('/nothing'))).message).not.toContain('debugger')
  })

  it('leaves / to the STOMP endpoint where that is there', async () => {
    const { request, upgraded } = pageApp({ options: { path: '/' } })
    expect(await request('/', { headers: { Upgrade: 'websocket' } })).toBe(upgraded)
    expect((await request('/')).status).toBe(426)
    expect((await request('/debugger')).status).toBe(302)
  })
})

describe('about.json', () => {
  const aboutOf = async (app: ReturnType<typeof testApp>) => {
    const response = await app.request('/debugger/about.json')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-cache'])
    return response.json()
  }

  it('says what is there', async () => {
    expect(await aboutOf(pageApp({ about: { stompPath: '/ws' } }))).toEqual({
      version: '1.2.3',
      path: '/debugger',
      stompPath: '/ws',
      api: false,
      tokenNeeded: false,
    })
  })
})
