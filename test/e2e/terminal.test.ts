/** `tail` and `send` as scripts and people use them: what they print, and their exit codes. */
import { beforeAll, describe, expect, it } from 'vitest'
import { runBridge, type CommandOptions, type Outcome } from '../support/command.ts'
import { runtime } from '../support/runtime.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let at: string
beforeAll(async () => {
  const history = JSON.stringify([{ destination: '/topic/kept', size: 10 }])
  const env = { STOMP_BRIDGE_HISTORY: history, STOMP_BRIDGE_QUEUES: JSON.stringify([{ destination: '/queue/**' }]) }
  world = await startWorld({ runtime, env })
  at = new URL(world.bridge.url).host
})

const run = (args: readonly string[], options: Omit<CommandOptions, 'args'> = {}) =>
  runBridge(runtime, { args, ...options })

/** Runs `tail`, and `then` once it is subscribed. */
async function tail(
  args: readonly string[],
  then: (kill: (signal: NodeJS.Signals) => void) => unknown,
): Promise<Outcome> {
  let work: Promise<unknown> | undefined
  const outcome = await run(['tail', at, ...args], {
    onStderr: (text, kill) => {
      if (text.includes('Subscribed to')) work ??= Promise.resolve(then(kill))
    },
  })
  await work
  return outcome
}

describe(`the commands that are clients, on ${runtime}`, () => {
  it('send what standard input has, and print what arrives', async () => {
    let sent: Outcome | undefined
    const { code, stdout } = await tail(['/topic/x', '--count', '2'], async () => {
      sent = await run(['send', at, '/topic/x', '--lines', '--content-type', 'text/plain'], { input: 'ä\nb\r\n' })
    })
    expect(sent).toMatchObject({ code: 0, stdout: '' })
    expect(sent?.stderr).toMatch(/^2 messages sent and confirmed in [\d.]+ s\n$/)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ä\nb\n' })
  })

  it('begin in the history where they are told, and say it in JSON', async () => {
    for (const body of ['1', '2']) expect(await run(['send', at, '/topic/kept', body])).toMatchObject({ code: 0 })
    const { code, stdout } = await run(['tail', at, '/topic/kept', '--last', '2', '-n', '1', '--json'])
    expect(code).toBe(0)
    const { headers, ...message } = JSON.parse(stdout) as { headers: Record<string, string> }
    expect(message).toMatchObject({ destination: '/topic/kept', body: '1' })
    const position = `${headers['epoch']}/${headers['offset']}`
    const since = await run(['tail', at, '/topic/kept', '--since', position, '--count', '1'])
    expect(since).toMatchObject({ code: 0, stdout: '2\n' })
  })

  it('take a message from a queue only when they acknowledge it', async () => {
    expect(await run(['send', at, '/queue/jobs', '-'], { input: Uint8Array.of(0xff, 0, 1) })).toMatchObject({ code: 0 })
    const { stdout } = await run(['tail', at, '/queue/jobs', '--ack', '--json', '-n', '1'])
    expect(JSON.parse(stdout)).toMatchObject({ bodyBase64: '/wAB' })
    const again = await run(['tail', at, '/queue/jobs', '-n', '1', '--timeout', '1'])
    expect(again).toMatchObject({ code: 3, stdout: '' })
    expect(again.stderr).toContain('0 of 1 messages within 1 s')
  })

  it('end with 0 on a signal', async () => {
    expect(await tail(['/topic/x'], (kill) => kill('SIGTERM'))).toMatchObject({ code: 0, stdout: '' })
  })

  it('end at once, though more could be sent, where they are interrupted or refused', async () => {
    const open = { input: 'a\n', isInputOpen: true }
    let interrupted: Promise<Outcome> | undefined
    let kill: ((signal: NodeJS.Signals) => void) | undefined
    const heard = await tail(['/topic/typed', '--count', '1'], () => {
      interrupted = run(['send', at, '/topic/typed', '--lines'], { ...open, onStart: (started) => (kill = started) })
    })
    expect(heard).toMatchObject({ code: 0, stdout: 'a\n' })
    kill!('SIGINT')
    const { code, stderr } = await interrupted!
    expect(code).toBe(3)
    expect(stderr).toMatch(
      /^Interrupted\n(1 message confirmed before|0 messages confirmed before, and 1 more may have arrived)\n$/,
    )
    const refused = await run(['send', at, '/nowhere', '--lines'], open)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/ \(no-route\)\n0 messages confirmed before\n$/)
  })

  it('say why the server closes the connection', async () => {
    const input = 'x'.repeat(3 * 1024 * 1024)
    const { code, stderr } = await run(['send', at, '/topic/x', '-'], { input })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^ws:\S+ refuses.* \(code 1009\)\n$/)
  })

  it('say in one line why not, with an exit code for each kind', async () => {
    const outcomes = await Promise.all([
      run(['send', at, '/nowhere', 'x']),
      run(['tail', at, '/topic/x', '--last', '1']),
      run(['tail', 'localhost:1', '/topic/x']),
      run(['send', 'localhost:1', '/topic/x', 'x']),
      run(['tail', at]),
      run(['send', '--profile', '/no/such/file', '/topic/x', 'x']),
    ])
    expect(outcomes.map(({ code }) => code)).toEqual([1, 1, 3, 3, 2, 2])
    for (const { stdout, stderr } of outcomes) {
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^[^\n]+\n$/)
    }
    expect(outcomes[0].stderr).toContain('(no-route)')
    expect(outcomes[1].stderr).toContain('(no-history)')
    expect(outcomes[2].stderr).toContain('ws://localhost:1/stomp')
  })
})
