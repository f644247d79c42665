/** Resident memory of the server per idle session with one subscription and heart-beats, over the empty process. */
import { thousands } from '../arena.ts'
import { BARE, BRIDGE } from '../contenders/index.ts'
import { stompClients } from '../contenders/bridge.ts'
import type { Contender } from '../contender.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

const HEART_BEAT_MS = 10_000
const SETTLE_EMPTY_MS = 3_000
/** More than a heart-beat each way. */
const SETTLE_MS = 15_000

export function memoryCase(sessions: number): string {
  return `${thousands(sessions)} idle sessions`
}

export async function memory(stage: Stage): Promise<Row[]> {
  const rows: Row[] = []
  for (const sessions of [stage.subscribers, stage.subscribers * 10]) {
    stage.say(memoryCase(sessions))
    for (const contender of [BRIDGE, BARE]) rows.push(await occupy(stage, contender, sessions))
  }
  return rows
}

async function occupy(stage: Stage, contender: Contender, sessions: number): Promise<Row> {
  const running = await contender.start(stage, 'bench')
  try {
    await pause(SETTLE_EMPTY_MS)
    const empty = running.server.residentBytes()
    const protocol =
      contender === BRIDGE
        ? stompClients('/topic/bench', { heartBeat: `${HEART_BEAT_MS},${HEART_BEAT_MS}` })
        : running.subscriber
    const fleet = await stage.clients.connect({ port: running.server.port, size: sessions, protocol })
    if (contender === BRIDGE) await fleet.beat(HEART_BEAT_MS)
    await pause(SETTLE_MS)
    const bytes = running.server.residentBytes()
    await fleet.close()
    const value = (bytes - empty) / sessions / 1024
    const megabytes = (size: number): string => `${Math.round(size / 1024 / 1024)} MB`
    return {
      scenario: 'memory',
      case: memoryCase(sessions),
      contender: contender.name,
      unit: Unit.kilobytes,
      value,
      rounds: [value],
      note: `${megabytes(empty)} empty, ${megabytes(bytes)} with them`,
    }
  } finally {
    await running.stop()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
