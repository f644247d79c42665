import { workersSuite } from './workers.ts'

workersSuite('bun')
