/** A bridge that keeps messages, as the page of the web debugger meets it: on the embedded bus, open to everybody. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { startBridge } from './stage.ts'

/** What is kept below `/topic/kept` and `/topic/retained`. */
export const HISTORY = [
  { destination: '/topic/kept/**', size: 1000, ttlSeconds: 3600 },
  { destination: '/topic/retained/**', size: 10, ttlSeconds: 3600, retain: true },
]

const SETTINGS = {
  debugger: { api: 'on' },
  history: HISTORY,
}

const directories: string[] = []
afterAll(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

/** Starts one for the length of the test, or of the file when called in `beforeAll`. */
export async function startHistoryBridge(settings: object = {}): Promise<BridgeProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-debugger-'))
  directories.push(directory)
  const file = join(directory, 'bridge.json')
  await writeFile(file, JSON.stringify({ ...SETTINGS, ...settings }))
  return startBridge({ STOMP_BRIDGE_CONFIG: file })
}
