/** The section `redis`. */
import * as z from 'zod'
import { readRedisUrl } from '../redis-url.ts'
import { flag, HOUR_MS, milliseconds, MINUTE_MS, text } from './values.ts'

/** Never quotes the value: it may hold a password. */
const redisUrl = z.string().superRefine((value, context) => {
  const address = readRedisUrl(value)
  if ('problem' in address) context.addIssue(address.problem)
})

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
    serverName: text('Name that the certificate of the server must have, if it is not the host of redis.url'),
  })
  .prefault({})
  .describe('TLS to Redis')

export const redis = z
  .strictObject({
    url: redisUrl.optional().meta({
      description:
        'redis://host:6379, rediss://host:6380 (TLS), or unix:///path (a Unix socket); ' +
        'without it the bridge uses an embedded bus, and nothing leaves this process',
      writeOnly: true,
    }),
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
