/** What a supervisor and its workers say to each other: plain JSON, both ends of the same version. Types only. */
import type { MetricsSnapshot } from '../metrics.ts'

/** What can be asked: of one worker by the supervisor, of all of them by a worker. */
export type Asked =
  { readonly subject: 'readiness' | 'metrics' } | { readonly subject: 'inspection'; readonly request: unknown }

/** What a worker says of itself for the web debugger: plain data, passed on unread. */
export interface Inspection {
  readonly answer: unknown
}

/** What one worker says: reasons why it is not ready, what it has counted, or what was asked to be inspected. */
export type Report = readonly string[] | MetricsSnapshot | Inspection

/** What is said for all: the reasons, the metrics as text, or every worker's report. */
export type AnswerForAll = readonly string[] | string | readonly Inspection[]

export type ToWorker =
  | { readonly type: 'begin'; readonly worker: number; readonly config: unknown }
  /** `handOverMs`: others take what comes; for so long this worker still serves who has come to it. */
  | { readonly type: 'stop'; readonly handOverMs?: number }
  /** Take on this configuration; without one, the one that was read cannot be used. */
  | { readonly type: 'reload'; readonly id: number; readonly config?: unknown }
  | ({ readonly type: 'report'; readonly id: number } & Asked)
  /** To `ask`. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: AnswerForAll }

export type ToSupervisor =
  /** The worker listens to its channel: nothing is sent to it before. */
  | { readonly type: 'hello' }
  | { readonly type: 'started'; readonly address: unknown }
  /** The worker ends for this reason. */
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'reported'; readonly id: number; readonly report: Report }
  /** To `reload`: done, or why not. */
  | { readonly type: 'reloaded'; readonly id: number; readonly problem?: string | undefined }
  /** The worker wants another to take its place. */
  | { readonly type: 'replace' }
  | ({ readonly type: 'ask'; readonly id: number } & Asked)
