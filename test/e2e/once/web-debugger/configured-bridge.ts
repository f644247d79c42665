/** A bridge with a configuration of its own, as the page of the web debugger meets it. Owns the file, as long as the test file runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { startBridge } from './stage.ts'

const directories: string[] = []
afterAll(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

/** Starts one for the length of the test, or of the file when called in `beforeAll`; with the debug API. */
export async function startConfigured(
  settings: object,
  env: Readonly<Record<string, string>> = {},
): Promise<BridgeProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-debugger-'))
  directories.push(directory)
  const file = join(directory, 'bridge.json')
  await writeFile(file, JSON.stringify({ debugger: { api: 'on' }, ...settings }))
  return startBridge({ STOMP_BRIDGE_CONFIG: file, ...env })
}
