import { clientsSuite } from './clients.ts'

clientsSuite('deno')
