/** A bridge that keeps messages, as the page of the web debugger meets it: on the embedded bus, open to everybody. */
import type { BridgeProcess } from '../../../support/process.ts'
import { startConfigured } from './configured-bridge.ts'

/** What is kept below `/topic/kept` and `/topic/retained`. */
export const HISTORY = [
  { destination: '/topic/kept/**', size: 1000, ttlSeconds: 3600 },
  { destination: '/topic/retained/**', size: 10, ttlSeconds: 3600, retain: true },
]

/** Starts one for the length of the test, or of the file when called in `beforeAll`. */
export function startHistoryBridge(settings: object = {}): Promise<BridgeProcess> {
  return startConfigured({ history: HISTORY, ...settings })
}
