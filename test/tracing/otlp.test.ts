/** Spans on their way to a real collector, which may be slow, away, or say no. */
import { SpanKind } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { OtlpTraces } from '../../src/tracing/otlp.ts'
import { FakeLog } from '../support/fake-log.ts'
import { startOtlpCollector } from '../support/otlp-collector.ts'
import { eventually } from '../support/wait.ts'

async function stage({ env = {}, maxQueueSize = 2048 }: { env?: Record<string, string>; maxQueueSize?: number } = {}) {
  const collector = await startOtlpCollector()
  onTestFinished(() => collector.stop())
  const quick = { OTEL_BSP_SCHEDULE_DELAY: '10', OTEL_EXPORTER_OTLP_TIMEOUT: '500', ...env }
  for (const [name, value] of Object.entries(quick)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  const log = new FakeLog()
  const traces = new OtlpTraces({ url: `${collector.url}/v1/traces`, maxQueueSize, version: '1.2.3', log })
  onTestFinished(() => traces.close(1000))
  const tracer = traces.provider.getTracer('test')
  const end = (count = 1) => {
    for (let i = 0; i < count; i++) tracer.startSpan(`span ${i}`, { kind: SpanKind.SERVER }).end()
  }
  return { collector, log, traces, end }
}

describe('the way to a collector', () => {
  it('is that of the standard: path, headers, name of the service', async () => {
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x',
      OTEL_SERVICE_NAME: 'edge',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    }
    const { collector, end, traces, log } = await stage({ env })
    end()
    await eventually(() => expect(collector.spans).toMatchObject([{ service: 'edge', name: 'span 0', kind: 2 }]))
    const [request] = collector.requests
    expect(request).toMatchObject({ path: '/v1/traces', headers: { authorization: 'Bearer x' } })
    expect([traces.dropped, log.entries]).toEqual([0, []])
  })

  it('is taken by all that waits when it is closed', async () => {
    const { collector, end, traces } = await stage({ env: { OTEL_BSP_SCHEDULE_DELAY: '60000' } })
    end(700)
    await traces.close(10_000)
    expect(collector.spans).toHaveLength(700)
  })

  it('is left when it is closed and nobody answers', async () => {
    const { collector, end, traces } = await stage({ env: { OTEL_EXPORTER_OTLP_TIMEOUT: '60000' } })
    collector.status = undefined
    end()
    const begun = performance.now()
    await traces.close(50)
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  it('loses what is not taken, which is counted, said once, and said again when it is over', async () => {
    const { collector, end, traces, log } = await stage()
    collector.status = 400
    for (let i = 1; i <= 3; i++) {
      end()
      await eventually(() => expect(traces.dropped).toBe(i))
    }
    expect(log.messages('warn')).toEqual(['The collector does not take spans: they are lost until it does'])
    collector.status = 200
    end()
    await eventually(() => expect(log.messages('info')).toEqual(['The collector takes spans again']))
    expect(collector.spans).toHaveLength(1)
  })

  it('loses what is sent to nobody', async () => {
    const { collector, end, traces, log } = await stage()
    await collector.stop()
    end(5)
    await eventually(() => expect(traces.dropped).toBe(5))
    expect(log.entries).toEqual([
      { level: 'warn', message: expect.any(String), fields: { reason: expect.stringContaining('ECONNREFUSED') } },
    ])
  })

  it('holds no more than it may while the collector is slow', async () => {
    const { collector, end, traces } = await stage({ maxQueueSize: 100, env: { OTEL_EXPORTER_OTLP_TIMEOUT: '60000' } })
    collector.status = undefined
    end()
    await eventually(() => expect(collector.requests).toHaveLength(1))
    end(1000)
    expect(traces.dropped).toBe(900)
    await collector.stop()
  })

  it.each([
    ['always_off', '', []],
    ['parentbased_traceidratio', '0', []],
    ['parentbased_traceidratio', '1', ['span 0']],
  ])('takes what the sampler says: %s %s', async (sampler, arg, names) => {
    const env = { OTEL_TRACES_SAMPLER: sampler, ...(arg && { OTEL_TRACES_SAMPLER_ARG: arg }) }
    const { collector, end, traces } = await stage({ env })
    end()
    await traces.close(10_000)
    expect(collector.spans.map(({ name }) => name)).toEqual(names)
  })

  it('says which of its settings cannot be used', async () => {
    const { log } = await stage({ env: { OTEL_TRACES_SAMPLER: 'sometimes' } })
    expect(log.entries).toEqual([
      {
        level: 'warn',
        message: 'A setting of OpenTelemetry cannot be used',
        fields: { reason: expect.stringContaining('OTEL_TRACES_SAMPLER') },
      },
    ])
  })
})
