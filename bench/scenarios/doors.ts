/** Redis → many clients of each door of the bridge: what a plain WebSocket and an event stream cost beside STOMP. */
import type { Entry } from '../arena.ts'
import { BRIDGE, BRIDGE_ON_DENO, BRIDGE_ON_NODE } from '../contenders/index.ts'
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { fanOutCase, run } from './fan-out.ts'

export const RUNTIMES = [BRIDGE, BRIDGE_ON_NODE, BRIDGE_ON_DENO] as const

export function plainName({ name }: { readonly name: string }): string {
  return `${name}, plain WebSocket`
}

export function streamName({ name }: { readonly name: string }): string {
  return `${name}, event stream`
}

/** One runtime after the other; its doors side by side, STOMP with one subscription id for all. */
export async function doors(stage: Stage): Promise<Row[]> {
  const { subscribers } = stage
  const rows: Row[] = []
  for (const contender of RUNTIMES) {
    const entries: Entry[] = [
      { contender, subscribers },
      {
        contender,
        subscribers,
        protocol: (channel) => ({ path: `/raw/topic/${channel}`, hello: [] }),
        label: plainName(contender),
      },
      {
        contender,
        subscribers,
        protocol: (channel) => ({ path: `/sse/topic/${channel}`, isStream: true, hello: [] }),
        label: streamName(contender),
      },
    ]
    rows.push(...(await run(stage, 'doors', entries, (inFlight) => fanOutCase(subscribers, inFlight))))
  }
  return rows
}
