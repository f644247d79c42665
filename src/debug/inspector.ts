/** Answers for this process what the debugger asks: plain data of what is there now. */
import process from 'node:process'
import type { Broker } from '../broker/broker.ts'
import type { Clients } from '../client/clients.ts'
import type { Clock } from '../clock.ts'
import type { OutputWatch } from '../delivery/output-watch.ts'
import type { Metrics } from '../metrics.ts'
import type { EventLoopDelay } from '../metrics/event-loop-delay.ts'
import type { RouteTable } from '../routes/table.ts'
import {
  MAX_DESTINATIONS,
  mostFrequent,
  mostSubscribed,
  type Answer,
  type Inspect,
  type InspectionName,
  type ProcessView,
  type Question,
} from './inspection.ts'
import { Samples } from './samples.ts'
import type { Totals } from './schema.ts'
import { viewSessions } from './session-views.ts'

/** What is looked at. */
export interface Inspected {
  readonly table: RouteTable
  readonly clients: Clients
  readonly broker: Broker
  readonly outputs: OutputWatch
  readonly metrics: Metrics
  readonly loopDelay: Pick<EventLoopDelay, 'takeLongest'>
  /** Undefined where no stream is read. */
  readonly streamLagMs: () => number | undefined
  readonly clock: Clock
}

export interface Inspector {
  readonly inspect: Inspect
  /** What is remembered of the last hour: it begins with `start`. */
  readonly samples: Pick<Samples, 'start' | 'close'>
}

/** Makes what answers for this process, which is taken to have started now. */
export function createInspector(inspected: Inspected): Inspector {
  const { clients } = inspected
  const startedAt = Date.now()
  const samples = new Samples({ clock: inspected.clock, dateNow: Date.now, take: () => sampleOf(inspected) })
  const answers: { readonly [Name in InspectionName]: (question: Question<Name>) => Promise<Answer<Name>> } = {
    process: () => viewProcess(inspected, startedAt),
    samples: async () => samples.view(),
    sessions: (query) => viewSessions(clients, query),
    closeSession: async (id) => clients.close(id),
  }
  return { inspect: (name, question) => answers[name](question), samples }
}

async function viewProcess(inspected: Inspected, startedAt: number): Promise<ProcessView> {
  const { broker, table, metrics, streamLagMs } = inspected
  const lagMs = streamLagMs()
  const histories = await metrics.historySizes()
  return {
    workers: 1,
    startedAt,
    totals: totalsOf(inspected),
    routeMessages: table.messageCounts(),
    destinations: mostSubscribed(broker.subscriptionCounts(), MAX_DESTINATIONS),
    errors: mostFrequent(metrics.errors),
    histories: [...histories].map(([rule, size]) => ({ rule, ...size })),
    streamLagSeconds: lagMs === undefined ? null : lagMs / 1000,
  }
}

function sampleOf(inspected: Inspected) {
  const { sessions, subscriptions, unsentBytes, errors, ...totals } = totalsOf(inspected)
  return {
    ...{ sessions, subscriptions, unsentBytes, errors },
    memoryBytes: process.memoryUsage().rss,
    published: totals.messagesPublished,
    received: totals.messagesReceived,
    delivered: totals.messagesDelivered,
    loopDelaySeconds: inspected.loopDelay.takeLongest(),
  }
}

function totalsOf({ clients, broker, outputs, metrics }: Inspected): Totals {
  const { errorsSent: errors, ...counted } = metrics.count
  const { framesReceived, messagesReceived, messagesPublished, messagesDelivered, sessionsOpened } = counted
  const { gapsFilled, gapsNotFilled, historyReads, broadcastPublished, broadcastReceived } = counted
  const { recovered, incomplete: notRecovered } = metrics.recoveries
  return {
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
    broadcastPublished,
    broadcastReceived,
  }
}
