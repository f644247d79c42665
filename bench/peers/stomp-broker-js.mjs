/** stomp-broker-js on Node, fed from Redis by the few lines that its users write. */
import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import StompServer from 'stomp-broker-js'

const http = createServer()
const stomp = new StompServer({ server: http, path: '/stomp', protocol: 'ws', heartbeat: [0, 0] })
const backend = new Redis(process.env.REDIS_URL)
await backend.subscribe(process.env.CHANNEL)
backend.on('message', (_channel, payload) =>
  stomp.send('/topic/bench', { 'content-type': 'text/plain' }, JSON.parse(payload)),
)
http.listen(Number(process.env.PORT), '127.0.0.1')
