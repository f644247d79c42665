/**
 * Commands in a Redis Cluster: each goes to the master that has its slot, and follows where the slot goes. What is published is
 * kept in order for each slot: while some of it was sent on, the rest waits.
 */
import { Buffer } from 'node:buffer'
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { BusUnavailableError, type BusMessage } from '../bus/bus.ts'
import type { ClusterNodes, Member } from './cluster-nodes.ts'
import { slotOfCommand } from './ioredis-internals.ts'
import { errorText, redirectIn } from './replies.ts'
import type { Script, ScriptCall, ScriptRunner } from './scripts.ts'
import { Slots } from './slots.ts'

/** While keys are on their way from node to node, in milliseconds. */
const LATER_MS = 30
/**
 * How long publishing waits after a slot has moved, from the old master's last answer, in milliseconds. Each master passes its
 * messages on by itself: a listener at a third node could hear the new one's first.
 */
const SETTLE_MS = 200

type Part = string | Uint8Array
type Parts = readonly Part[]

/** What is to be done in order: commands, the answer to the last of which counts. */
interface Order {
  readonly commands: readonly Parts[]
  /** The same with the text of the script, for a node that does not know it. */
  readonly taught?: Parts
}

interface Waiting {
  readonly order: Order
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

/** The orders for one slot. */
interface Lane {
  inFlight: number
  /** Nothing more is sent before what was refused has been sent again. */
  isHeld: boolean
  isDraining: boolean
  /** Address of the master to which the orders in flight were sent. */
  inFlightTo: string | undefined
  /** Address of the master that carried out an order last, and when it answered. */
  doneBy: string | undefined
  doneAtMs: number
  /** Was that by ASK, as keys of the slot are on their way? */
  isAsked: boolean
  readonly refused: Waiting[]
  readonly later: Waiting[]
}

export interface ClusterRouterOptions {
  readonly nodes: ClusterNodes
  /** For commands without keys. */
  readonly client: () => Redis
  /** How long a command is sent on, in milliseconds. */
  readonly timeoutMs: number
  /** Channels with this at the front are published by SPUBLISH. */
  readonly shardedPrefix: string | undefined
}

export class ClusterRouter {
  readonly slots = new Slots()
  readonly #options: ClusterRouterOptions
  readonly #lanes = new Map<number, Lane>()

  constructor(options: ClusterRouterOptions) {
    this.#options = options
  }

  get nodes(): ClusterNodes {
    return this.#options.nodes
  }

  /** In no order. Resolves to the answer; rejects with what Redis or ioredis says. */
  async call(name: string, args: readonly (string | number | Buffer)[], isBytes: boolean): Promise<unknown> {
    const slot = slotOfCommand(name, args)
    if (slot === undefined) return callBy(this.#options.client(), name, args, isBytes)
    return this.#follow(slot, ({ connection: { client } }, isAsking) => {
      if (isAsking) client.call('ASKING').catch(() => {}) // the next one fails too
      return callBy(client, name, args, isBytes)
    })
  }

  /** Resolves when Redis has answered. What is published on one channel keeps its order. */
  publish(channel: string, payload: Part): Promise<unknown> {
    return this.#run(this.slots.of(channel), { commands: [this.#publishing(channel, payload)] })
  }

  /** All or none of those whose channels belong to one master; in order. */
  async publishAll(messages: readonly BusMessage[]): Promise<void> {
    const groups = new Map<Member | number | undefined, BusMessage[]>()
    for (const message of messages) {
      const slot = this.slots.of(message.channel)
      // A transaction may have sharded channels of one slot alone.
      const key = this.isSharded(message.channel) ? slot : this.nodes.ownerOf(slot)
      const group = groups.get(key)
      if (group) group.push(message)
      else groups.set(key, [message])
    }
    const orders = [...groups.values()].map((group) => {
      const publishes = group.map(({ channel, payload }) => this.#publishing(channel, payload))
      const commands = group.length === 1 ? publishes : [['MULTI'], ...publishes, ['EXEC']]
      return this.#run(this.slots.of(group[0]!.channel), { commands })
    })
    await Promise.all(orders)
  }

  /** `channel`: as Redis calls it. */
  isSharded(channel: string): boolean {
    const { shardedPrefix } = this.#options
    return shardedPrefix !== undefined && channel.startsWith(shardedPrefix)
  }

  #publishing(channel: string, payload: Part): Parts {
    return [this.isSharded(channel) ? 'SPUBLISH' : 'PUBLISH', channel, kept(payload)]
  }

  /** By each master. Resolves to how many there are. */
  async publishEverywhere(channel: string, payload: string): Promise<number> {
    const { members } = this.nodes
    await Promise.all(members.map(({ queue }) => queue.add(channel, payload)))
    return members.length
  }

  /** Its calls take effect in the order in which they are made, for each slot. */
  ordered(script: Script): ScriptRunner {
    const parts = (name: string, text: string, { keys, args }: ScriptCall): Part[] => [
      ...[name, text, String(keys.length)],
      ...keys,
      ...args.map(kept),
    ]
    return {
      run: (call) =>
        this.#run(this.slots.of(call.keys[0] ?? call.slotOf ?? ''), {
          commands: [parts('EVALSHA', script.digest, call)],
          taught: parts('EVAL', script.text, call),
        }),
    }
  }

  #run(slot: number, order: Order): Promise<unknown> {
    let lane = this.#lanes.get(slot)
    if (!lane) {
      lane = newLane()
      this.#lanes.set(slot, lane)
    }
    return new Promise((resolve, reject) => {
      const waiting = { order, resolve, reject }
      if (lane.isHeld) lane.later.push(waiting)
      else this.#send(slot, lane, waiting)
    })
  }

  #send(slot: number, lane: Lane, waiting: Waiting): void {
    const member = this.nodes.ownerOf(slot)
    if (!member?.connection.isReady) {
      waiting.reject(new BusUnavailableError(this.nodes.problem ?? 'a slot has no master'))
      return
    }
    const isBehindAnother = lane.inFlight > 0 && lane.inFlightTo !== member.address
    if (isBehindAnother || settleMsOf(lane, member) > 0) {
      lane.isHeld = true
      lane.later.push(waiting)
      this.#drainWhenAnswered(slot, lane)
      return
    }
    lane.inFlight++
    lane.inFlightTo = member.address
    write(member, waiting.order.commands, false).then(
      (answer) => {
        lane.inFlight--
        noteDone(lane, member, false)
        waiting.resolve(answer)
        if (lane.isHeld) this.#drainWhenAnswered(slot, lane)
      },
      (error: Error) => {
        lane.inFlight--
        if (redirectIn(error, member.host) || isUnknownScript(error)) {
          // All that was sent behind it has the same answer, in order; it is sent again when all have come.
          lane.isHeld = true
          lane.refused.push(waiting)
        } else waiting.reject(error)
        if (lane.isHeld) this.#drainWhenAnswered(slot, lane)
      },
    )
  }

  #drainWhenAnswered(slot: number, lane: Lane): void {
    if (lane.inFlight > 0 || lane.isDraining) return
    lane.isDraining = true
    void this.#drain(slot, lane)
  }

  async #drain(slot: number, lane: Lane): Promise<void> {
    for (;;) {
      const next = lane.refused.shift() ?? lane.later.shift()
      if (!next) break
      await this.#insist(slot, lane, next.order).then(next.resolve, next.reject)
    }
    lane.isDraining = false
    lane.isHeld = false
  }

  async #insist(slot: number, lane: Lane, { commands, taught }: Order): Promise<unknown> {
    let toSend = commands
    return this.#follow(slot, async (member, isAsking) => {
      // A master that sends on what it is asked while keys move has published nothing: it is not waited for.
      const isSentOn = lane.isAsked && !isAsking
      const settleMs = isSentOn ? 0 : settleMsOf(lane, member)
      if (settleMs > 0) await pause(settleMs)
      const send = async (): Promise<unknown> => {
        const answer = await write(member, toSend, isAsking)
        noteDone(lane, member, isAsking)
        return answer
      }
      try {
        return await send()
      } catch (error) {
        if (!isUnknownScript(error) || !taught) throw error
        toSend = [taught]
        return send()
      }
    })
  }

  /** Sends it, and sends it on as long as nodes say that it belongs elsewhere. */
  async #follow(slot: number, send: (member: Member, isAsking: boolean) => Promise<unknown>): Promise<unknown> {
    const { nodes, timeoutMs } = this.#options
    const deadline = performance.now() + timeoutMs
    let member = nodes.ownerOf(slot)
    let isAsking = false
    for (;;) {
      if (!member?.connection.isReady) throw new BusUnavailableError(nodes.problem ?? 'a slot has no master')
      try {
        return await send(member, isAsking)
      } catch (error) {
        const redirect = redirectIn(error, member.host)
        if (!redirect || performance.now() > deadline) throw error
        if (redirect.kind === 'later') {
          await pause(LATER_MS)
          continue
        }
        if (redirect.kind === 'moved') nodes.moved(redirect.slot, redirect.address)
        isAsking = redirect.kind === 'ask'
        member = await nodes.memberAt(redirect.address, deadline - performance.now()).catch((cause: unknown) => {
          throw new BusUnavailableError(errorText(cause), { cause })
        })
      }
    }
  }
}

function callBy(
  client: Redis,
  name: string,
  args: readonly (string | number | Buffer)[],
  isBytes: boolean,
): Promise<unknown> {
  return isBytes ? client.callBuffer(name, ...args) : client.call(name, ...args)
}

/** As one write; the answer to the last counts, and any refusal. */
async function write({ queue }: Member, commands: readonly Parts[], isAsking: boolean): Promise<unknown> {
  const answers = commands.map((parts) => {
    if (isAsking) queue.command(['ASKING']).catch(() => {}) // the next one fails too
    return queue.command(parts)
  })
  return (await Promise.all(answers)).at(-1)
}

function newLane(): Lane {
  return {
    inFlight: 0,
    inFlightTo: undefined,
    isHeld: false,
    isDraining: false,
    doneBy: undefined,
    doneAtMs: 0,
    isAsked: false,
    refused: [],
    later: [],
  }
}

function noteDone(lane: Lane, { address }: Member, isAsked: boolean): void {
  lane.doneBy = address
  lane.doneAtMs = performance.now()
  lane.isAsked = isAsked
}

/** How long what another master published for this slot may still be on its way, in milliseconds. */
function settleMsOf({ doneBy, doneAtMs }: Lane, { address }: Member): number {
  return doneBy === undefined || doneBy === address ? 0 : doneAtMs + SETTLE_MS - performance.now()
}

/** A payload may be a view of what came in, which is something else a turn later. */
function kept(part: Part): Part {
  return typeof part === 'string' ? part : Buffer.from(part)
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
