/** The handler of each command that a connected client may send; CONNECT and DISCONNECT are the session's own. */
import { Command } from '../../../frames/index.ts'
import type { CommandHandler } from '../command.ts'
import { handleAck, handleNack } from './acknowledge.ts'
import { handleSend } from './send.ts'
import { handleSubscribe } from './subscribe.ts'
import { handleAbort, handleBegin, handleCommit } from './transaction.ts'
import { handleUnsubscribe } from './unsubscribe.ts'

export const COMMAND_HANDLERS: ReadonlyMap<string, CommandHandler> = new Map([
  [Command.SEND, handleSend],
  [Command.SUBSCRIBE, handleSubscribe],
  [Command.UNSUBSCRIBE, handleUnsubscribe],
  [Command.ACK, handleAck],
  [Command.NACK, handleNack],
  [Command.BEGIN, handleBegin],
  [Command.COMMIT, handleCommit],
  [Command.ABORT, handleAbort],
])
