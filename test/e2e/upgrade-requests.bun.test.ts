import { upgradeRequests } from './upgrade-requests.ts'

upgradeRequests('bun')
