/** RabbitMQ with its Web STOMP plugin: a node of its own in a temporary directory, beside any that runs as a service. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { start, stop, temporaryDirectory } from '../children.ts'
import type { Contender } from '../contender.ts'
import type { Protocol } from '../fleet.ts'
import { freePort, startServer } from '../server-process.ts'
import { findProgram } from './paths.ts'

// Debian's wrapper in sbin changes to a user that owns the system's node.
const program = findProgram('/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server')
const epmd = findProgram('epmd')

/** Longer than any run, in milliseconds: the clients send nothing. */
const IDLE_TIMEOUT_MS = 3_600_000
const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\nheart-beat:0,0\n\n\0'

/** STOMP clients that only send. */
export const RABBITMQ_SENDERS: Protocol = {
  path: '/ws',
  headers: { 'Sec-WebSocket-Protocol': 'v12.stomp' },
  hello: [{ send: CONNECT, until: 'CONNECTED' }],
}

export const RABBITMQ: Contender = {
  name: 'RabbitMQ Web STOMP',
  missing: program && epmd ? undefined : 'not installed: npm run bench -- --install-peers',
  async start(_stage, channel) {
    const [port, nodePort, distributionPort, epmdPort] = await Promise.all([1, 2, 3, 4].map(freePort))
    const directory = temporaryDirectory('rabbitmq')
    writeFileSync(join(directory, 'enabled_plugins'), '[rabbitmq_web_stomp].\n')
    writeFileSync(
      join(directory, 'rabbitmq.conf'),
      [
        `listeners.tcp.default = 127.0.0.1:${nodePort}`,
        'stomp.listeners.tcp = none',
        'web_stomp.tcp.ip = 127.0.0.1',
        `web_stomp.tcp.port = ${port}`,
        `web_stomp.ws_opts.idle_timeout = ${IDLE_TIMEOUT_MS}`,
      ].join('\n'),
    )
    // In the foreground, or it would outlive the node.
    const portMapper = start([epmd!, '-port', String(epmdPort), '-address', '127.0.0.1'], { stdio: 'ignore' })
    const server = await startServer([program!], port!, {
      HOME: directory,
      ERL_EPMD_PORT: String(epmdPort),
      RABBITMQ_NODENAME: 'stomp-bridge-bench@localhost',
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(directory, 'data'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_DIST_PORT: String(distributionPort),
    })
    const backend = await connectBackend(port!)
    return {
      server,
      subscriber: {
        ...RABBITMQ_SENDERS,
        hello: [
          ...RABBITMQ_SENDERS.hello,
          { send: `SUBSCRIBE\nid:sub-0\ndestination:/topic/${channel}\nreceipt:r\n\n\0`, until: 'RECEIPT' },
        ],
      },
      publish(bodies) {
        for (const body of bodies) backend.send(`SEND\ndestination:/topic/${channel}\n\n${body}\0`)
        return Promise.resolve()
      },
      async stop() {
        backend.close()
        await server.stop()
        await stop(portMapper)
      },
    }
  },
}

/** What publishes: one more STOMP client. */
function connectBackend(port: number): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'v12.stomp')
    socket.addEventListener('open', () => socket.send(CONNECT))
    socket.addEventListener('message', () => resolve(socket), { once: true })
    socket.addEventListener('error', () => reject(new Error('RabbitMQ does not take WebSockets')))
  })
}
