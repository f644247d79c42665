/** Centrifugo with its Redis engine: clients that come back to a channel with history, in its own JSON protocol. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../children.ts'
import type { Contender } from '../contender.ts'
import type { Protocol } from '../fleet.ts'
import { freePort, startServer } from '../server-process.ts'
import { findProgram } from './paths.ts'

const program = findProgram(process.env['CENTRIFUGO'] || 'centrifugo')
const HOW = 'go install github.com/centrifugal/centrifugo/v6@latest, and put it on PATH or its path into CENTRIFUGO'

export const CENTRIFUGO: Contender = {
  name: 'Centrifugo + Redis',
  missing: program ? undefined : `not installed: ${HOW}`,
  async start(stage, channel) {
    const port = await freePort()
    const file = join(temporaryDirectory('centrifugo'), 'config.json')
    writeFileSync(file, JSON.stringify(configuration(port, stage.redisUrl)))
    const server = await startServer([program!, '--config', file], port)
    return {
      server,
      subscriber: centrifugoClients({ channel }, '"subscribe"'),
      publish: (bodies) => Promise.all(bodies.map((body) => publishOnCentrifugo(port, channel, body))),
      stop: () => server.stop(),
    }
  },
}

/** Clients that subscribe so, and are there when this text has come. */
export function centrifugoClients(subscribe: object, until: string): Protocol {
  return {
    path: '/connection/websocket',
    hello: [
      { send: '{"id":1,"connect":{}}', until: '"connect"' },
      { send: JSON.stringify({ id: 2, subscribe }), until },
    ],
  }
}

export async function publishOnCentrifugo(
  port: number,
  channel: string,
  data: string,
): Promise<{ readonly offset: number; readonly epoch: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/publish`, {
    method: 'POST',
    body: JSON.stringify({ channel, data: { text: data } }),
  })
  return ((await answer.json()) as { readonly result: { readonly offset: number; readonly epoch: string } }).result
}

/** Without logins, as the bridge is without `access`; its history is as large as that of the bridge. */
function configuration(port: number, redisUrl: string): object {
  return {
    http_server: { address: '127.0.0.1', port },
    log: { level: 'error' },
    client: { insecure: true, allowed_origins: ['*'] },
    http_api: { insecure: true },
    channel: {
      without_namespace: {
        history_size: 1000,
        history_ttl: '3600s',
        force_recovery: true,
        allow_subscribe_for_client: true,
      },
    },
    engine: { type: 'redis', redis: { address: redisUrl } },
  }
}
