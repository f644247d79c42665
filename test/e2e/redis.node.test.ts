import { redisTroubles } from './redis.ts'

redisTroubles('node')
