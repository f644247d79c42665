/** All scenarios by the names that `--only` takes. */
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { access } from './access.ts'
import { codec } from './codec.ts'
import { compression } from './compression.ts'
import { connect } from './connect.ts'
import { destinations } from './destinations.ts'
import { doors } from './doors.ts'
import { bareSizes, fanOut, sizes } from './fan-out.ts'
import { gathering } from './gathering.ts'
import { history } from './history.ts'
import { interest } from './interest.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { queue } from './queue.ts'
import { rest } from './rest.ts'
import { send } from './send.ts'
import { stalled } from './stalled.ts'

interface Scenario {
  /** Part of the short run? */
  readonly isQuick: boolean
  readonly what: string
  run(stage: Stage): Promise<Row[]>
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'fan-out': { isQuick: true, what: 'Redis to 1,000 subscribers, all servers; shared and own ids', run: fanOut },
  sizes: { isQuick: true, what: 'Redis to 100, 1,000 and 10,000 subscribers', run: sizes },
  gathering: { isQuick: false, what: '1,000 messages a second to 1,000 subscribers, gathered', run: gathering },
  doors: { isQuick: false, what: 'Redis to 1,000 plain WebSockets, and to 1,000 event streams', run: doors },
  'bare-sizes': { isQuick: false, what: 'the same with the bare server', run: bareSizes },
  destinations: { isQuick: false, what: '10,000 destinations with one subscriber each', run: destinations },
  send: { isQuick: false, what: '/app SEND to Redis', run: send },
  rest: { isQuick: false, what: 'REST to subscribers', run: rest },
  connect: { isQuick: false, what: 'connect and SUBSCRIBE', run: connect },
  access: { isQuick: false, what: 'rules, logins, queues of 10,000 users, presence', run: access },
  history: { isQuick: false, what: 'fan-out and SEND with history, clients that come back', run: history },
  queue: { isQuick: false, what: 'a work queue with 10 consumers, beside RabbitMQ', run: queue },
  interest: { isQuick: false, what: '8 processes: one hears all, or what its clients want', run: interest },
  memory: { isQuick: false, what: 'memory of idle sessions', run: memory },
  latency: { isQuick: false, what: 'latency at fixed rates', run: latency },
  stalled: { isQuick: false, what: 'one stalled client among 1,000', run: stalled },
  compression: { isQuick: false, what: 'permessage-deflate off and on', run: compression },
  codec: { isQuick: false, what: 'the decoder alone', run: codec },
}
