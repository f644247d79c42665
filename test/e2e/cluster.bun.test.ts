import { clusterSuite } from './cluster.ts'

clusterSuite(['bun', 'node'])
