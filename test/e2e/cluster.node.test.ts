import { clusterSuite } from './cluster.ts'

clusterSuite(['node', 'deno'])
