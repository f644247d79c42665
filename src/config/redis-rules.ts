/** Rules between the settings that say where Redis is, and what a Cluster cannot do. */
import { isGroup, type Group } from './group.ts'
import type { Finding } from './problems.ts'

/** In the order in which one is named beside the other. */
const PLACES = ['url', 'sentinels', 'cluster'] as const

/** Settings that only Sentinels need. */
const OF_SENTINELS = ['masterName', 'sentinelUsername', 'sentinelPassword'] as const

/** Does an input name a Redis? */
export function hasRedis(redis: unknown): boolean {
  return placesIn(redis).length > 0
}

/** Returns what is wrong in the section `redis` of an input, and between it and others. */
export function redisFindings(input: Group): Finding[] {
  const redis = groupOf(input['redis'])
  return [
    ...placeFindings(redis),
    ...sentinelFindings(redis),
    ...clusterFindings(redis, groupOf(input['redisCommands'])),
    ...shardFindings(redis, groupOf(input['broker'])),
  ]
}

function placesIn(redis: unknown): (typeof PLACES)[number][] {
  const section = groupOf(redis)
  return PLACES.filter((name) => {
    const value = section[name]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  })
}

function placeFindings(redis: Group): Finding[] {
  const [first, ...others] = placesIn(redis)
  return others.map((name) => ({
    path: ['redis', name],
    text: `must not be set beside redis.${first}: each of them says where Redis is`,
  }))
}

function sentinelFindings(redis: Group): Finding[] {
  const hasSentinels = placesIn(redis).includes('sentinels')
  if (hasSentinels) {
    if (redis['masterName'] !== undefined) return []
    return [{ path: ['redis', 'masterName'], text: 'is missing, and redis.sentinels needs it' }]
  }
  return OF_SENTINELS.flatMap((name) =>
    redis[name] === undefined ? [] : [{ path: ['redis', name], text: 'needs redis.sentinels' }],
  )
}

function clusterFindings(redis: Group, { allow }: Group): Finding[] {
  if (!placesIn(redis).includes('cluster')) return []
  const { db, keyPrefix } = redis
  return [
    ...(typeof db === 'number' && db > 0
      ? [{ path: ['redis', 'db'], text: 'must be 0 or left out: a Redis Cluster has one database' }]
      : []),
    ...(typeof keyPrefix === 'string' && keyPrefix.includes('{}')
      ? [
          {
            path: ['redis', 'keyPrefix'],
            text: 'must not have "{}" in it: keys that belong together would be on different nodes',
          },
        ]
      : []),
    ...(Array.isArray(allow) && allow.length > 0
      ? [
          {
            path: ['redisCommands', 'allow'],
            text: 'must be empty with redis.cluster: commands of clients do not work on a Redis Cluster',
          },
        ]
      : []),
  ]
}

function shardFindings(redis: Group, { distribution = 'shared' }: Group): Finding[] {
  if (redis['shardedPubSub'] !== true) return []
  const path = ['redis', 'shardedPubSub']
  if (!placesIn(redis).includes('cluster')) return [{ path, text: 'needs redis.cluster' }]
  if (distribution === 'shared') {
    const text =
      'needs broker.distribution: by-interest (or both): with shared, destinations have no channels of their own'
    return [{ path, text }]
  }
  return []
}

function groupOf(value: unknown): Group {
  return isGroup(value) ? value : {}
}
