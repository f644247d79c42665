import { clientsSuite } from './clients.ts'

clientsSuite('node')
