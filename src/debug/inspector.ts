/** Answers for this process what the debugger asks: plain data of what is there now. */
import type { Broker } from '../broker/broker.ts'
import type { Clients } from '../client/clients.ts'
import type { OutputWatch } from '../delivery/output-watch.ts'
import type { Metrics } from '../metrics.ts'
import type { RouteTable } from '../routes/table.ts'
import {
  MAX_DESTINATIONS,
  mostSubscribed,
  type Answer,
  type Inspect,
  type InspectionName,
  type ProcessView,
  type Question,
} from './inspection.ts'
import { viewSessions } from './session-views.ts'

/** What is looked at. */
export interface Inspected {
  readonly table: RouteTable
  readonly clients: Clients
  readonly broker: Broker
  readonly outputs: OutputWatch
  readonly metrics: Metrics
}

/** Makes the function that answers for this process, which is taken to have started now. */
export function createInspect(inspected: Inspected): Inspect {
  const { clients } = inspected
  const startedAt = Date.now()
  const answers: { readonly [Name in InspectionName]: (question: Question<Name>) => Promise<Answer<Name>> } = {
    process: async () => viewProcess(inspected, startedAt),
    sessions: (query) => viewSessions(clients, query),
    closeSession: async (id) => clients.close(id),
  }
  return (name, question) => answers[name](question)
}

function viewProcess({ clients, broker, table, outputs, metrics }: Inspected, startedAt: number): ProcessView {
  const { errorsSent: errors, ...counted } = metrics.count
  const { framesReceived, messagesReceived, messagesPublished, messagesDelivered, sessionsOpened } = counted
  const { gapsFilled, gapsNotFilled, historyReads } = counted
  const { recovered, incomplete: notRecovered } = metrics.recoveries
  return {
    workers: 1,
    startedAt,
    totals: {
      sessions: clients.size,
      subscriptions: broker.size,
      unsentBytes: outputs.unsentBytes,
      framesReceived,
      messagesReceived,
      messagesPublished,
      messagesDelivered,
      sessionsOpened,
      errors,
      recovered,
      notRecovered,
      gapsFilled,
      gapsNotFilled,
      historyReads,
    },
    routeMessages: table.messageCounts(),
    destinations: mostSubscribed(broker.subscriptionCounts(), MAX_DESTINATIONS),
  }
}
