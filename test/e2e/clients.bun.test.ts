import { clientsSuite } from './clients.ts'

clientsSuite('bun')
