/**
 * What a command handler takes and returns. Handlers (`commands/*.ts`, one per command) validate a frame and have its
 * effect; the session decodes, keeps the order, answers receipts and turns errors into ERROR frames.
 */
import type { Frame, Header, Version } from '../../frames/index.ts'
import type { Client } from '../client/client.ts'
import type { Metrics } from '../metrics.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Transactions } from './transactions.ts'

/** The part of a connected session that its handlers work on. */
export interface CommandContext {
  readonly client: Client
  readonly stompVersion: Version
  readonly metrics: Metrics
  /** Undefined where nobody wants spans. */
  readonly tracing: Tracing | undefined
  readonly transactions: Transactions
  readonly acknowledgements: Acknowledgements
  /** Find out anew who it is, by what this frame says. Throws ProtocolError. */
  renew(frame: Frame): PendingEffect
}

/** How a session ends: with ERROR, with the server, or by the client, whose RECEIPT says that all before it is done. */
export type EndKind = 'error' | 'shutdown' | 'leave'

/** The effect of a frame that has not happened yet. */
export interface PendingEffect {
  /** Resolves to more headers of the RECEIPT, if there are any. Rejects with ProtocolError. */
  readonly done: Promise<readonly Header[] | void>
  /** The frames behind this one wait for it; undefined if they need not. */
  readonly heldBackUntil?: Promise<unknown>
  /** May the session end now although this has not happened? Its receipt is then never sent. Without this the end waits. */
  readonly isAbandonable?: (end: EndKind) => boolean
}

/** Undefined: the effect has happened. Throws ProtocolError. */
export type CommandHandler = (context: CommandContext, frame: Frame) => PendingEffect | undefined
