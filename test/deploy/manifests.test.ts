/** What deploy/, compose.yaml and the Dockerfile say of the bridge is so: settings, commands, paths, times, metrics. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { parseCommandLine } from '../../src/command-line.ts'
import { loadConfig, parseConfig, type ConfigInput } from '../../src/config.ts'
import { healthRoute, metricsRoute, readyRoute } from '../../src/http/health.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

function commandLineOf(args: readonly string[]) {
  const commandLine = parseCommandLine(args)
  if ('problem' in commandLine) throw new Error(commandLine.problem)
  return commandLine
}

describe('deploy/kubernetes/bridge.yaml', () => {
  const objects = parseAllDocuments(read('deploy/kubernetes/bridge.yaml')).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS()
  })
  const the = (kind: string) => objects.find((object) => object.kind === kind)
  const pod = the('Deployment').spec.template
  const [container] = pod.spec.containers
  const config = parseConfig(parse(the('ConfigMap').data['bridge.yaml']) as ConfigInput)

  it('has an object of each kind, all for the same pods', () => {
    expect(objects.map(({ kind }) => kind)).toEqual([
      'ConfigMap',
      'Deployment',
      'Service',
      'PodDisruptionBudget',
      'HorizontalPodAutoscaler',
    ])
    const { labels } = pod.metadata
    expect(the('Deployment').spec.selector.matchLabels).toEqual(labels)
    expect(the('Service').spec.selector).toEqual(labels)
    expect(the('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels)
    expect(the('HorizontalPodAutoscaler').spec.scaleTargetRef.name).toBe(the('Deployment').metadata.name)
    expect(the('Deployment').spec.replicas).toBeUndefined()
  })

  it('runs a command that there is, with the file that it mounts, on the port that it names', () => {
    const { command, configFile } = commandLineOf(container.args)
    const [mount] = container.volumeMounts
    expect([command, configFile]).toEqual(['serve', `${mount.mountPath}/bridge.yaml`])
    expect(pod.spec.volumes[0]).toMatchObject({ name: mount.name, configMap: { name: the('ConfigMap').metadata.name } })
    expect(config.server.port).toBe(container.ports[0].containerPort)
    expect(the('Service').spec.ports[0].targetPort).toBe(container.ports[0].name)
  })

  it('probes what the bridge answers', () => {
    expect(container.livenessProbe.httpGet.path).toBe(healthRoute.path)
    expect(container.startupProbe.httpGet.path).toBe(healthRoute.path)
    expect(container.readinessProbe.httpGet.path).toBe(readyRoute.path)
    expect(pod.metadata.annotations['prometheus.io/path']).toBe(metricsRoute.path)
  })

  it('gives a pod that ends the time that it needs', () => {
    const preStopMs = container.lifecycle.preStop.sleep.seconds * 1000
    const graceMs = pod.spec.terminationGracePeriodSeconds * 1000
    expect(graceMs).toBeGreaterThan(preStopMs + config.shutdown.deadlineMs)
    // So often must the balancers have asked before.
    const { periodSeconds } = container.readinessProbe
    expect(preStopMs).toBeGreaterThan(periodSeconds * 1000)
  })

  it('counts what there is to count', () => {
    const [{ pods }] = the('HorizontalPodAutoscaler').spec.metrics
    expect(read('docs/operations.md')).toContain(`| \`${pods.metric.name}\` | gauge |`)
    expect(Number(pods.target.averageValue)).toBeLessThan(config.limits.maxSessions)
  })

  it('lets it do nothing that it need not', () => {
    expect(pod.spec).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container.env.find(({ name }: { name: string }) => name === 'REDIS_URL').value).toBeUndefined()
  })
})

describe('compose.yaml', () => {
  const { bridge, valkey } = parse(read('compose.yaml')).services

  it('can be reached from this machine only', () => {
    expect(bridge.ports).toEqual(['127.0.0.1:8080:8080'])
    expect(valkey.ports).toBeUndefined()
    expect([bridge.network_mode, valkey.network_mode]).toEqual([undefined, undefined])
  })

  it('has settings that are right, and asks with a command that there is', () => {
    const config = loadConfig({ file: undefined, env: bridge.environment, options: {} })
    expect([config.server.host, config.redis.url]).toEqual(['0.0.0.0', 'redis://valkey:6379'])
    const [, program, ...args] = bridge.healthcheck.test
    expect([program, commandLineOf(args)]).toEqual([
      '/usr/local/bin/stomp-bridge',
      expect.objectContaining({ command: 'healthcheck', words: ['ready'] }),
    ])
    expect(Number.parseInt(bridge.stop_grace_period) * 1000).toBeGreaterThan(config.shutdown.deadlineMs)
  })
})

describe('deploy/systemd/stomp-bridge.service', () => {
  const lines = read('deploy/systemd/stomp-bridge.service').split('\n')
  const valuesOf = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1))

  it('runs commands that there are, and waits for the last one', () => {
    const commands = [...valuesOf('ExecStartPre'), ...valuesOf('ExecStart')].map((line) => line.split(' '))
    expect(commands.map(([program, ...args]) => [program, commandLineOf(args).command])).toEqual([
      ['/usr/local/bin/stomp-bridge', 'check-config'],
      ['/usr/local/bin/stomp-bridge', 'serve'],
    ])
    expect(Number(valuesOf('TimeoutStopSec')[0]) * 1000).toBeGreaterThan(parseConfig({}).shutdown.deadlineMs)
  })
})
