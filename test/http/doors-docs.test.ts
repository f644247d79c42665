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
    expect(Object.keys(raw.responses)).toEqual(['101', '400', '401', '403', '408', '426', '502', '503'])
    for (const path of ['/sse/{destination}', '/sse']) {
      const { parameters, responses } = paths[path]!.get
      expect(parameters!.map(({ name }) => name)).toEqual(['destination', ...ASKS, 'Last-Event-ID'])
      expect(Object.keys(responses)).toEqual(['200', '400', '401', '403', '408', '429', '502', '503'])
      expect(responses['200']).toHaveProperty(['content', 'text/event-stream'])
    }
  })

  it('has none that is closed', async () => {
    const paths = await pathsOf({ options: { doors: { raw: false, sse: false } } })
    expect(Object.keys(paths).filter((path) => /^\/(raw|sse)/.test(path))).toEqual([])
  })
})
