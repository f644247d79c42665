/** A backend service with `stomp-bridge/backend`, and clients of a real bridge that it reaches, all on one runtime. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { adopt } from '../support/process.ts'
import { programCommand } from '../support/program.ts'
import { runtime } from '../support/runtime.ts'
import { API_KEYS, expectNothing, HS256, logInAs, message, startNodes, subscribe, type Nodes } from './access/stage.ts'

const CHILD = fileURLToPath(new URL('backend-child.ts', import.meta.url))

describe(`a backend service on ${runtime}`, () => {
  let nodes: Nodes
  beforeAll(async () => {
    nodes = await startNodes(
      `
routes: { conventionCodec: envelope }
access:
  authenticators: [${HS256}]
  ${API_KEYS}
  rules: [{ allow: subscribe, destination: '/topic/**' }]
`,
      { nodes: 1 },
    )
  })

  it('consumes a stream, and reaches a topic, a user, a group and the session that has asked', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-backend-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const alice = await logInAs(nodes.a, 'Ann Lee', { groups: ['a/b'] })
    const bob = await logInAs(nodes.a, 'bob')
    await subscribe(alice.peer, '/topic/orders')
    await subscribe(alice.peer, '/user/queue/notes')
    await subscribe(alice.peer, '/group/a%2Fb/news')
    await subscribe(bob.peer, '/user/queue/notes')
    await subscribe(bob.peer, '/session/queue/replies')

    const [command, ...args] = await programCommand(runtime, CHILD, directory)
    const child = spawn(command!, [...args, nodes.redis.url], { stdio: ['ignore', 'pipe', 'pipe'] })
    adopt(child)
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    }
    const exited = once(child, 'close')
    const add = (kind: string, to: string, text: string) =>
      nodes.backend.xadd('orders', '*', 'kind', kind, 'to', to, 'message', text)

    await add('topic', '/topic/orders', 'shipped')
    expect(await message(alice.peer, { destination: '/topic/orders', 'content-type': 'application/json' })).toBe(
      '{"message":"shipped"}',
    )
    await add('user', 'Ann Lee', 'for Ann alone')
    expect(await message(alice.peer, { destination: '/user/queue/notes' })).toBe('for Ann alone')
    await add('group', 'a/b', 'for the group')
    expect(await message(alice.peer, { subscription: '/group/a%2Fb/news' })).toBe('for the group')
    await add('request', '', JSON.stringify({ replyTo: `session:${bob.session}:replies`, correlationId: '7' }))
    const reply = { destination: '/session/queue/replies', 'correlation-id': '7', 'content-type': 'application/json' }
    expect(await message(bob.peer, reply)).toBe('{"done":true}')
    await add('second time', '/topic/orders', 'at last')
    expect(await message(alice.peer)).toBe('at last')
    await expectNothing(bob.peer)

    await add('last', '', '')
    expect(await exited, output).toEqual([0, null])
    expect(output).toBe('delivery 1: not yet\n[0,null,null,null]\n')
  })
})
