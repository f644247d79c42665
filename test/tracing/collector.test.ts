import { describe, expect, it } from 'vitest'
import { readCollector } from '../../src/tracing/collector.ts'
import { openTraces } from '../../src/tracing/open-traces.ts'
import { FakeLog } from '../support/fake-log.ts'

const BASE = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'

describe('the variables of OpenTelemetry', () => {
  it.each([
    [{}, undefined],
    [{ [BASE]: '', [TRACES]: '' }, undefined],
    [{ [BASE]: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ [BASE]: 'https://c/otlp/' }, 'https://c/otlp/v1/traces'],
    [{ [TRACES]: 'http://c:4318/x' }, 'http://c:4318/x'],
    [{ [BASE]: 'http://a', [TRACES]: 'http://b:1/' }, 'http://b:1/'],
    [{ [BASE]: 'http://c:4318', OTEL_SDK_DISABLED: 'True' }, undefined],
    [{ [BASE]: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ OTEL_SERVICE_NAME: 'edge', OTEL_TRACES_SAMPLER: 'always_on' }, undefined],
  ])('say where spans go: %j', (env, url) => {
    const { collector, problems } = readCollector(env)
    expect([collector?.url, problems]).toEqual([url, []])
  })

  it.each([
    [{ [BASE]: 'collector:4318' }, BASE],
    [{ [TRACES]: 'secret@' }, TRACES],
    [{ [BASE]: 'http://c', [TRACES]: '/v1/traces' }, TRACES],
  ])('that name no URL are said, without their value, and spans go nowhere: %j', (env, name) => {
    expect(readCollector(env)).toEqual({
      collector: undefined,
      problems: [`${name} must be a URL such as http://collector:4318`],
    })
  })

  it('that ask for something else than there is are said', () => {
    const env = { [BASE]: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_BSP_MAX_QUEUE_SIZE: '1e9' }
    const { collector, problems } = readCollector(env)
    expect(collector).toEqual({ url: 'http://c:4317/v1/traces', maxQueueSize: 2048 })
    expect(problems).toEqual([expect.stringContaining('grpc'), expect.stringContaining('OTEL_BSP_MAX_QUEUE_SIZE')])
    expect(readCollector({ ...env, OTEL_BSP_MAX_QUEUE_SIZE: '10' }).collector?.maxQueueSize).toBe(10)
  })

  it('that name no collector open nothing, and the log says what cannot be used', async () => {
    const log = new FakeLog()
    expect(await openTraces({}, { version: '1', log })).toBeUndefined()
    expect(log.entries).toEqual([])
    expect(await openTraces({ [BASE]: 'nonsense' }, { version: '1', log })).toBeUndefined()
    expect(log.messages('warn')).toEqual(['A setting of OpenTelemetry cannot be used'])
  })
})
