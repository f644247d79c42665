import { clusterSuite } from './cluster.ts'

clusterSuite(['deno', 'bun'])
