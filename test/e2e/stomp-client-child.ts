/**
 * A program with a client of the bridge inside. Run as `stomp-client-child.ts WS_URL TICKET`; it hears itself over the
 * bridge, prints what it has done, line by line, and has then nothing left to do.
 */
import process from 'node:process'
import { WebSocket as NodeWebSocket } from 'ws'
import { createClient } from '../../src/stomp-client/index.ts'

const [brokerURL = '', ticket = ''] = process.argv.slice(2)

const client = createClient({
  brokerURL,
  credentials: () => ({ ticket }),
  // Node 20 has none.
  ...(typeof WebSocket === 'undefined' && {
    webSocketFactory: (url: string, protocols: string[]) => new NodeWebSocket(url, protocols),
  }),
  onState: (state) => console.log(state),
  onError: ({ code }) => console.log(code),
  onConnected: ({ headers }) => console.log(headers['user-name']),
})
const destination = '/topic/rooms/1'
client.subscribe(
  destination,
  ({ body }) => {
    console.log(body)
    void client.deactivate().then(() => console.log('left'))
  },
  {
    onLive: () => {
      const body = 'Grüße 😀'
      void client.publish({ destination, body, receipt: true })
    },
  },
)
client.activate()
