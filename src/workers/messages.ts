/** What a supervisor and its workers say to each other: plain JSON, both ends of the same version. Types only. */
import type { MetricsSnapshot } from '../metrics.ts'

/** What can be asked: of one worker by the supervisor, of all of them by a worker. */
export type Subject = 'readiness' | 'metrics'

export type ToWorker =
  | { readonly type: 'begin'; readonly worker: number; readonly config: unknown }
  | { readonly type: 'stop' }
  | { readonly type: 'report'; readonly id: number; readonly subject: Subject }
  /** To `ask`: reasons why not all are ready, or the metrics of all as text. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: readonly string[] | string }

export type ToSupervisor =
  /** The worker listens to its channel: nothing is sent to it before. */
  | { readonly type: 'hello' }
  | { readonly type: 'started'; readonly address: unknown }
  /** The worker ends for this reason. */
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'reported'; readonly id: number; readonly report: readonly string[] | MetricsSnapshot }
  | { readonly type: 'ask'; readonly id: number; readonly subject: Subject }
