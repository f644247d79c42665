import { workersSuite } from './workers.ts'

workersSuite('deno')
