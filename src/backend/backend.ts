/**
 * A backend service's side of the bridge: consumes the streams that it writes, and sends to its clients. Everything goes
 * over the ioredis connection of the caller, who also closes it.
 */
import { requireText } from './checks.ts'
import { consumeSettings, type ConsumeOptions } from './consume-options.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { StreamConsumer, type Consumer } from './consumer.ts'
import type { Handler } from './entry.ts'
import { groupDestination, notificationPayload, userDestination, type MessageTrace } from './notifications.ts'
import type { RedisConnection } from './redis-connection.ts'
import { encodeReply, type ReplyableRequest, type ReplyHeaders } from './replies.ts'

export interface BackendOptions {
  /** As `broker.broadcastChannel` of the bridges; `BROADCAST-CHANNEL` unless told. */
  readonly broadcastChannel?: string | undefined
  /** As `redis.keyPrefix` of the bridges: what every channel and stream begins with; nothing unless told. */
  readonly keyPrefix?: string | undefined
}

/** Whatever sends resolves when Redis has it, which does not say that anybody was there; it rejects as ioredis does. */
export interface Backend {
  /**
   * Hands every entry of a stream to the handler of one consumer of the group, at least once, until it is stopped.
   *
   * Shape:  the group is made at the beginning of the stream if it is missing, and the stream too. An entry is
   *         acknowledged when its handler has resolved. Else it stays pending, and is handed out again to any consumer.
   *         `consumer` must be a name of this process alone.
   * Errors: throws a TypeError or a RangeError for a wrong argument; all else is told by `onError`, and tried again.
   */
  consume(stream: string, group: string, consumer: string, handler: Handler, options?: ConsumeOptions): Consumer
  /**
   * Sends to all subscribers of a destination. Text arrives as text, any other JSON value as JSON. `trace`: what it belongs to.
   * Errors: rejects with a TypeError for a wrong argument.
   */
  notify(topic: string, message: unknown, trace?: MessageTrace): Promise<void>
  /** Sends to all sessions of a user that have subscribed to `/user` and this destination: `/queue/x`. Errors: as `notify`. */
  toUser(user: string, destination: string, message: unknown, trace?: MessageTrace): Promise<void>
  /** Sends to the members of a group that have subscribed to `/group/GROUP/` and this name. Errors: as `notify`. */
  toGroup(group: string, name: string, message: unknown, trace?: MessageTrace): Promise<void>
  /**
   * Answers the session that has sent a request with a `reply-to`. The body is text, octets or another JSON value.
   * Errors: rejects with a TypeError for a wrong argument, also if the request wants no answer.
   */
  reply(request: ReplyableRequest, body: unknown, headers?: ReplyHeaders): Promise<void>
}

/** Returns a backend on that connection of ioredis. Errors: throws a TypeError for a wrong argument. */
export function createBackend(redis: RedisConnection, options: BackendOptions = {}): Backend {
  const what = 'Cannot create a backend'
  if (typeof redis?.call !== 'function' || typeof redis.duplicate !== 'function') {
    throw new TypeError(`${what}: redis must be a connection of ioredis`)
  }
  const { broadcastChannel = 'BROADCAST-CHANNEL', keyPrefix = '' } = options
  requireText(what, 'broadcastChannel', broadcastChannel)
  if (typeof keyPrefix !== 'string') throw new TypeError(`${what}: keyPrefix must be text`)

  const publish = async (channel: string, payload: string): Promise<void> => {
    await redis.call('PUBLISH', keyPrefix + channel, payload)
  }
  const notify = async (topic: string, message: unknown, trace?: MessageTrace): Promise<void> =>
    publish(broadcastChannel, notificationPayload(topic, message, trace))

  return {
    consume(stream, group, consumer, handler, consumeOptions = {}) {
      const settings = consumeSettings(stream, group, consumer, handler, consumeOptions)
      if (redis.isCluster) throw new TypeError(`Cannot consume "${stream}": redis must be one server, not a cluster`)
      return new StreamConsumer(redis, new ConsumerGroup(redis, keyPrefix, settings), settings, handler)
    },
    notify,
    toUser: async (user, destination, message, trace) => notify(userDestination(user, destination), message, trace),
    toGroup: async (group, name, message, trace) => notify(groupDestination(group, name), message, trace),
    async reply(request, body, headers) {
      const { channel, payload } = encodeReply(request, body, headers)
      await publish(channel, payload)
    },
  }
}
