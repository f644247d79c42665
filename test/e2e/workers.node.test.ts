import { workersSuite } from './workers.ts'

workersSuite('node')
