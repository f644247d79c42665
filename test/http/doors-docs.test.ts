import { describe, expect, it } from 'vitest'
import { doorsApp } from './doors-support.ts'

const ASKS = ['since', 'epoch', 'since-time', 'last']

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, unknown>>
}

describe('the OpenAPI document', () => {
  const pathsOf = async (options: Parameters<typeof doorsApp>[0]) => {
    const response = await doorsApp(options).request('/openapi.json')
    const { paths } = (await response.json()) as { paths: Record<string, { get: Operation }> }
    return paths
  }

  it('has the doors with all that they answer', async () => {
    const paths = await pathsOf({})
    const raw = paths['/raw/{destination}']!.get
    expect(raw.parameters!.map(({ name, in: place }) => `${place} ${name}`)).toEqual([
      'path destination',
      'query frame',
      ...ASKS.map((name) => `query ${name}`),
    ])
    expect(Object.keys(raw.responses)).toEqual(['101', '400', '401', '403', '408', '426', '429', '502', '503'])
    for (const path of ['/sse/{destination}', '/sse']) {
      const { parameters, responses } = paths[path]!.get
      expect(parameters!.map(({ name }) => name)).toEqual(['destination', ...ASKS, 'Last-Event-ID'])
      expect(Object.keys(responses)).toEqual(['200', '400', '401', '403', '408', '429', '502', '503'])
      expect(responses['200']).toHaveProperty(['content', 'text/event-stream'])
    }
  })

  it('shows SockJS where that is, in a section of its own', async () => {
    const paths = await pathsOf({ hasSockJs: true })
    const names = ['info', '{server}/{session}/websocket', '{server}/{session}/xhr', '{server}/{session}/xhr_streaming']
    const wanted = [...names, '{server}/{session}/xhr_send'].map((name) => `/stomp/${name}`)
    expect(Object.keys(paths).filter((path) => path.startsWith('/stomp/'))).toEqual(wanted)
    const page = await (await doorsApp({ hasSockJs: true }).request('/docs')).text()
    for (const path of wanted) expect(page).toContain(path)
    expect(await (await doorsApp().request('/docs')).text()).not.toContain('xhr_streaming')
  })

  it('has none that is closed', async () => {
    const paths = await pathsOf({ options: { doors: { raw: false, sse: false } } })
    expect(Object.keys(paths).filter((path) => /^\/(raw|sse)/.test(path))).toEqual([])
  })
})
