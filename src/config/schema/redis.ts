/** The section `redis`. */
import * as z from 'zod'
import { CLUSTER_PORT, readRedisNode, readRedisUrl, SENTINEL_PORT } from '../redis-url.ts'
import { flag, HOUR_MS, milliseconds, MINUTE_MS, text } from './values.ts'

/** Never quotes the value: it may hold a password. */
const redisUrl = z.string().superRefine((value, context) => {
  const address = readRedisUrl(value)
  if ('problem' in address) context.addIssue(address.problem)
})

/** `host:port` of servers. */
const nodes = (defaultPort: number) =>
  z.array(
    z.string().superRefine((value, context) => {
      const node = readRedisNode(value, defaultPort)
      if ('problem' in node) context.addIssue(node.problem)
    }),
  )

const tls = z
  .strictObject({
    enabled: flag(
      false,
      'Use TLS; rediss:// in redis.url does the same. The other settings of redis.tls apply to both',
    ),
    rejectUnauthorized: flag(true, 'Refuse a server whose certificate cannot be verified'),
    caFile: text('PEM file with the certificate authorities to trust'),
    certFile: text('PEM file with the client certificate'),
    keyFile: text('PEM file with the key of the client certificate'),
    serverName: text(
      'Name that the certificate of the server must have, if it is not the host of redis.url; ' +
        'with redis.sentinels and redis.cluster one that it may have in place of its own host',
    ),
  })
  .prefault({})
  .describe('TLS to Redis')

export const redis = z
  .strictObject({
    url: redisUrl.optional().meta({
      description:
        'redis://host:6379, rediss://host:6380 (TLS), or unix:///path (a Unix socket); ' +
        'without it, redis.sentinels and redis.cluster the bridge uses an embedded bus, and nothing leaves this process',
      writeOnly: true,
    }),
    sentinels: nodes(SENTINEL_PORT)
      .default([])
      .describe('In place of redis.url: the Sentinels, each as host:port, that know which server is the master'),
    masterName: text('What the Sentinels call the master'),
    sentinelUsername: text('User name for the Sentinels'),
    sentinelPassword: text('Password for the Sentinels; redis.password is for the master alone').meta({
      writeOnly: true,
    }),
    sentinelTls: flag(false, 'Use TLS to the Sentinels, with the files of redis.tls'),
    cluster: nodes(CLUSTER_PORT)
      .default([])
      .describe('In place of redis.url: some nodes of a Redis Cluster, each as host:port; they name the others'),
    shardedPubSub: flag(
      false,
      'With redis.cluster: messages that nodes send by the channels of destinations (see broker.distribution) pass one master ' +
        'alone, by SPUBLISH and SSUBSCRIBE; needs Redis 7 or Valkey',
    ),
    username: text('User name; beats the one in redis.url'),
    password: text('Password; beats the one in redis.url').meta({ writeOnly: true }),
    db: z.int().min(0).max(65_535).optional().describe('Database number; beats the one in redis.url'),
    tls,
    keyPrefix: z.string().default('').describe('Text that every channel name begins with'),
    connectTimeoutMs: milliseconds(5000, 1, 10 * MINUTE_MS, 'Longest time to connect, in milliseconds'),
    commandTimeoutMs: milliseconds(5000, 1, 10 * MINUTE_MS, 'Longest time to wait for an answer, in milliseconds'),
    probeIntervalMs: milliseconds(
      5000,
      1,
      HOUR_MS,
      'How often to check that both connections are alive, in milliseconds',
    ),
    reconnectMaxDelayMs: milliseconds(
      5000,
      1,
      10 * MINUTE_MS,
      'Longest pause between attempts to reconnect, in milliseconds',
    ),
  })
  .prefault({})
  .describe('Redis or Valkey')
