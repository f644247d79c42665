import { redisTroubles } from './redis.ts'

redisTroubles('deno')
