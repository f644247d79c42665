/** The process that the clients live in; clients.ts starts it and tells it what to do. */
import { Fleet, type FleetOptions } from './fleet.ts'

/** What can be asked. Each request is answered once, with its id. */
export type Request =
  | { readonly do: 'connect'; readonly options: FleetOptions }
  | { readonly do: 'until'; readonly total: number }
  | { readonly do: 'send'; readonly text: string; readonly times: number; readonly last: string }
  | { readonly do: 'beat'; readonly everyMs: number }
  | { readonly do: 'stall' }
  /** Returns how many messages have come. */
  | { readonly do: 'received' }
  /** Returns how many bytes have come. */
  | { readonly do: 'bytes' }
  /** Returns the latencies noted since it was asked last. */
  | { readonly do: 'latencies' }
  /** Returns how long each client took to be there. */
  | { readonly do: 'joins' }
  | { readonly do: 'close' }

export type Envelope = Request & { readonly id: number; readonly fleet: number }
export type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }

const fleets = new Map<number, Fleet>()

async function answer(request: Envelope): Promise<unknown> {
  if (request.do === 'connect') {
    fleets.set(request.fleet, await Fleet.connect(request.options))
    return undefined
  }
  const fleet = fleets.get(request.fleet)
  if (!fleet) throw new Error(`There is no fleet ${request.fleet}`)
  switch (request.do) {
    case 'until':
      return fleet.until(request.total)
    case 'send':
      return fleet.send(request.text, request.times, request.last)
    case 'beat':
      return fleet.beat(request.everyMs)
    case 'stall':
      return fleet.stall()
    case 'received':
      return fleet.received
    case 'bytes':
      return fleet.bytes
    case 'latencies':
      return fleet.latencies.splice(0)
    case 'joins':
      return fleet.joins
    case 'close':
      fleets.delete(request.fleet)
      return fleet.close()
  }
}

process.on('message', (request: Envelope) => {
  answer(request).then(
    (value) => process.send!({ id: request.id, value } satisfies Answer),
    (error: Error) => process.send!({ id: request.id, error: error.message } satisfies Answer),
  )
})
process.once('disconnect', () => process.exit(0))
