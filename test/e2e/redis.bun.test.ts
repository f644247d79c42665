import { redisTroubles } from './redis.ts'

redisTroubles('bun')
