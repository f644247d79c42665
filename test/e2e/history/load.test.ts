/** History under load: joining while much is published, and many that come back at once. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import { runtime } from '../../support/runtime.ts'
import { eventually, waitFor } from '../../support/wait.ts'
import { askHeaders, DOORS, follow, openStomp, type Came, type Told } from './follower.ts'
import { http, numbered, page, post, startHistoryNodes, type HistoryNodes, type Place } from './stage.ts'

const CONFIG = `
history: [{ destination: '/topic/h/**', size: 5000, ttlSeconds: 300 }, { destination: '/topic/small/**', size: 200, ttlSeconds: 300 }]
routes: { inbound: [{ channel: 'plain:{name}', destination: '/topic/h/{name}', codec: raw }] }
`

describe(`history under load on ${runtime}`, () => {
  let nodes: HistoryNodes
  beforeAll(async () => void (nodes = await startHistoryNodes(CONFIG)))
  const nodeOf = (i: number) => (i % 2 ? nodes.b : nodes.a)

  it('whoever joins gets each message once and in order from there on, at each door, asking or not', async () => {
    const topic = '/topic/h/seam'
    let isOver = false
    let sent = 0
    const publish = async (): Promise<void> => {
      while (!isOver) await post(nodeOf(sent / 20), topic, numbered('', sent + 1, (sent += 20)))
    }
    const publishing = publish()
    const joined: { name: string; came: Came[]; told: Told[]; afterReceipt: number | undefined }[] = []
    for (let i = 0; i < 120; i++) {
      const { url } = nodeOf(i)
      const door = DOORS[i % 3]!
      const known = i % 2 ? await page(nodes.a, topic, { last: '40' }) : undefined
      const oldest = known?.messages[0]
      const place = oldest && { offset: oldest.offset, epoch: known.epoch }
      const follower = { name: `${door} ${i}`, came: [] as Came[], told: [] as Told[], afterReceipt: undefined as number | undefined }
      joined.push(follower)
      const isUnasked = i % 6 === 0
      const events = {
        onMessage: (message: Came) => void follower.came.push(message),
        onMarker: (marker: Told) => void follower.told.push(marker),
        onGone: () => {},
      }
      const link = isUnasked
        ? openStomp(
            url,
            ({ command, headers, body }, send) => {
              // an exact one, or a pattern
              const destination = i % 12 ? topic : '/topic/h/sea*'
              if (command === 'CONNECTED') send(`SUBSCRIBE\nid:0\ndestination:${destination}\nreceipt:r\n\n\0`)
              else if (command === 'RECEIPT') follower.afterReceipt = sent
              else events.onMessage({ body, offset: headers.get('offset')!, epoch: headers.get('epoch')! })
            },
            () => {},
          )
        : follow(door, url, topic, place, events)
      onTestFinished(() => link.cut())
      await waitFor(() => (isUnasked ? follower.afterReceipt !== undefined : follower.told.length > 0))
    }
    isOver = true
    await publishing
    for (const { name, came, told, afterReceipt } of joined) {
      await eventually(() => expect([name, came.at(-1)?.body ?? 'nothing']).toEqual([name, String(sent)]))
      const first = Number(came[0]!.body)
      expect([name, came.map(({ body }) => body)]).toEqual([name, numbered('', first, sent)])
      expect(told.filter(({ recovered }) => recovered === false)).toEqual([])
      // what is published behind the receipt comes
      if (afterReceipt !== undefined) expect(first).toBeLessThanOrEqual(afterReceipt + 1)
    }
  }, 60_000) // prettier-ignore

  it('what is published behind the RECEIPT of the first subscriber of a destination comes to it, asking or not', async () => {
    for (let round = 0; round < 150; round++) {
      const topic = `/topic/h/first${round}`
      let isOver = false
      let number = 0
      const taken: string[] = []
      /** From when on everything that is begun has to come. */
      let from = Infinity
      const publish = async (i: number): Promise<void> => {
        while (!isOver) {
          const body = String(++number)
          const isDue = number >= from
          await http(nodeOf(i).url, 'POST', '/api/notification', { topic, message: body })
          if (isDue) taken.push(body)
        }
      }
      const publishing = Array.from({ length: 4 }, (_, i) => publish(i))
      await waitFor(() => number > 5)
      const came = new Set<string>()
      const ask = ['', 'last:0\n', 'last:3\n'][round % 3]!
      const link = openStomp(
        nodeOf(round).url,
        ({ command, body }, send) => {
          if (command === 'CONNECTED') send(`SUBSCRIBE\nid:0\ndestination:${topic}\nreceipt:r\n${ask}\n\0`)
          else if (command === 'RECEIPT') from = number + 1
          else if (body !== '' && came.size === came.add(body).size) came.add(`${body} again`)
        },
        () => {},
      )
      await waitFor(() => taken.length > 8)
      isOver = true
      await Promise.all(publishing)
      await eventually(() => expect([round, taken.filter((body) => !came.has(body))]).toEqual([round, []]))
      expect([...came].filter((body) => body.endsWith('again'))).toEqual([])
      link.cut()
    }
  }, 60_000) // prettier-ignore

  it.each([
    ['what is held', '/topic/h/storm', 400, 400],
    ['what was trimmed, and what is held', '/topic/small/storm', 600, 600],
  ])('thousands of recoveries of one destination from anywhere in %s cost Redis at most 100 reads', async (_name, topic, count, positions) => {
    const places = await publishAndFollow(topic, count)
    const before = await reads()
    const calls = await scriptCalls()
    let recoveries = 0
    const wrong: unknown[] = []
    const perSocket = 5
    const client = (i: number): Promise<void> =>
      new Promise((resolve, reject) => {
        let round = 0
        let awaited = 0
        let at = 0
        const link = openStomp(
          nodeOf(i).url,
          ({ command, headers, body }, send) => {
            const next = (): void => {
              if (round++ === perSocket) {
                link.cut()
                resolve()
                return
              }
              at = (i * 7919 + round * 104_729) % positions
              send(`SUBSCRIBE\nid:${round}\ndestination:${topic}\n${special(i, round) ?? askHeaders(places[at])}\n\0`)
            }
            const done = (): void => {
              recoveries++
              send(`UNSUBSCRIBE\nid:${round}\n\n\0`)
              next()
            }
            if (command === 'CONNECTED') next()
            else if (command === 'ERROR') reject(new Error(`ERROR ${headers.get('code')}`))
            else if (headers.get('event') === 'position') {
              awaited = Number(headers.get('count'))
              const isPlain = special(i, round) === undefined
              if (isPlain && headers.get('recovered') === 'true' && awaited !== count - at - 1) wrong.push([at, awaited])
              if (awaited === 0) done()
            } else if (--awaited === 0) {
              if (body !== `m${count}`) wrong.push([at, body])
              done()
            }
          },
          () => reject(new Error('the connection went')),
        )
      })
    // 200 at a time: all of them within the minute
    const sockets = runtime === 'bun' ? 2000 : 400
    const all = Array.from({ length: sockets }, (_, i) => i)
    for (let i = 0; i < all.length; i += 200) await Promise.all(all.slice(i, i + 200).map(client))
    expect(wrong).toEqual([])
    expect(recoveries).toBe(sockets * perSocket)
    expect((await reads()) - before).toBeLessThanOrEqual(100)
    expect((await scriptCalls()) - calls).toBeLessThanOrEqual(100 + 20)
  }, 90_000) // prettier-ignore

  /** Some come from another epoch, from a time or ask for the newest. */
  function special(i: number, round: number): string | undefined {
    return [undefined, undefined, 'since:1-1\nepoch:other\n', 'since-time:1\n', 'last:50\n', undefined, undefined][(i + round) % 40]
  } // prettier-ignore

  /** Where a subscriber was behind each message. */
  async function publishAndFollow(topic: string, count: number): Promise<Place[]> {
    const places: Place[] = []
    let isThere = false
    const link = follow('raw', nodes.a.url, topic, undefined, {
      onMessage: ({ offset, epoch }) => void places.push({ offset, epoch }),
      onMarker: () => (isThere = true),
      onGone: () => {},
    })
    await waitFor(() => isThere)
    await post(nodes.b, topic, numbered('m', 1, count))
    await waitFor(() => places.length === count)
    link.cut()
    return places
  }

  async function reads(): Promise<number> {
    const [a, b] = [nodes.a, nodes.b].map((node) => metric(node, 'stomp_bridge_history_reads_total'))
    return (await a!) + (await b!)
  }

  /** EVALSHA and EVAL, as Redis counts them. */
  async function scriptCalls(): Promise<number> {
    const info = await nodes.backend.info('commandstats')
    return [...info.matchAll(/^cmdstat_(?:evalsha|eval|xrange|xrevrange):calls=(\d+)/gm)]
      .filter(([line]) => line.includes('eval'))
      .reduce((sum, [, calls]) => sum + Number(calls), 0)
  }

  it('a recovery that is larger than may wait is paced by what the client reads', async () => {
    const topic = '/topic/h/large'
    const texts = Array.from({ length: 400 }, (_, i) => `${i}:`.padEnd(50_000, 'x'))
    for (let i = 0; i < 400; i += 10) await post(nodes.a, topic, texts.slice(i, i + 10))
    const came: string[] = []
    const told: Told[] = []
    const first = (await page(nodes.a, topic, { limit: '1' })).messages[0]!
    const { epoch } = await page(nodes.a, topic, { limit: '1' })
    const link = follow('stomp', nodes.b.url, topic, { offset: first.offset, epoch }, {
      onMessage: ({ body }) => void came.push(body.slice(0, body.indexOf(':'))),
      onMarker: (marker) => void told.push(marker),
      onGone: () => {},
    })
    onTestFinished(() => link.cut())
    await eventually(() => expect(came.length).toBe(399), { timeoutMs: 20_000 })
    expect(came).toEqual(numbered('', 1, 399))
    expect(told).toMatchObject([{ recovered: true, count: 399 }])
    expect((await http(nodes.b.url, 'GET', '/health')).status).toBe(200)
  }) // prettier-ignore
})
