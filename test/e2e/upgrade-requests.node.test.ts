import { upgradeRequests } from './upgrade-requests.ts'

upgradeRequests('node')
