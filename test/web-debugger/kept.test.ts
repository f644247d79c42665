import { describe, expect, it } from 'vitest'
import { KEPT, MAX_KEPT_FRAME_BYTES } from '../../web-debugger/kept/kept-log.ts'
import { readPage } from '../../web-debugger/kept/kept-page.ts'
import { PAGE_KEY, PageKeeper } from '../../web-debugger/kept/page-keeper.ts'
import { toText } from '../../web-debugger/stomp/frame-record.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { createWorkspace } from '../../web-debugger/stomp/workspace.ts'
import { FakePage, memoryStore } from './fake-page.ts'
import { MemoryFrameStore } from './memory-frame-store.ts'

const MESSAGE = { destination: '/topic/a', subscription: 'sub-0', 'message-id': '1' }

/** One tab of a browser, in which the page can be loaded again and again. */
function browserTab() {
  const storage = memoryStore()
  const store = new MemoryFrameStore()
  /** By which names pages are open elsewhere. */
  const taken = new Set<string>()
  const load = async () => {
    const page = new FakePage()
    const workspace = createWorkspace({ defaultUrl: 'ws://localhost/stomp', storage: memoryStore(), environment: page })
    const claim = (id: string) => Promise.resolve(!taken.has(id))
    const keeper = new PageKeeper({ workspace, storage, store, now: () => page.now(), claim })
    await keeper.start()
    const tab = () => workspace.activeTab.value!
    const connect = async () => {
      tab().connect()
      await page.socket.accept()
    }
    const receive = (body: string, headers: Readonly<Record<string, string>> = MESSAGE) =>
      page.socket.receiveFrame({ command: 'MESSAGE', headers: Object.entries(headers), body })
    const bodies = () =>
      tab().console.records.flatMap(({ command, raw }) =>
        command === 'MESSAGE' ? [toText(raw).split('\n\n')[1]!.replace('\0', '')] : [],
      )
    const notes = () => tab().console.records.flatMap(({ kind, raw }) => (kind === 'note' ? [toText(raw)] : []))
    const leave = async () => {
      keeper.flush()
      await settled()
    }
    return { page, workspace, keeper, tab, connect, receive, bodies, notes, leave }
  }
  return { storage, store, taken, load }
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await Promise.resolve()
}

describe('a page that is loaded again', () => {
  it('has its tabs, subscriptions, filters and frames, and connects again', async () => {
    const { load } = browserTab()
    const first = await load()
    first.workspace.addConnection({ ...createProfile('ws://other/stomp'), name: 'Other' })
    first.workspace.activeId.value = first.workspace.connections.value[0]!.id
    await first.connect()
    const { connection, console: model } = first.tab()
    connection.subscribe({ destination: '/topic/a', ack: 'client', headers: [['x', 'y']] })
    connection.subscribe({ destination: '/topic/b' }).isMuted.value = true
    first.receive('one')
    first.receive('two')
    model.text.value = 'one'
    await first.leave()

    const second = await load()
    expect(second.workspace.connections.value.map((each) => each.title.value)).toEqual(['localhost/stomp', 'Other'])
    const tab = second.tab()
    expect(tab.connection.title.value).toBe('localhost/stomp')
    expect(tab.isSettingUp.value).toBe(false)
    second.page.paint()
    expect(second.bodies()).toEqual(['one'])
    tab.console.clearFilter()
    expect(second.bodies()).toEqual(['one', 'two'])
    await second.page.socket.accept()
    const subscribed = second.page.socket.frames().filter(({ command }) => command === 'SUBSCRIBE')
    expect(subscribed.map(({ headers }) => Object.fromEntries(headers))).toEqual([
      { id: 'sub-0', destination: '/topic/a', ack: 'client', x: 'y' },
      { id: 'sub-1', destination: '/topic/b' },
    ])
    // Nothing is kept twice, and nothing is lost the third time.
    second.receive('three')
    await second.leave()
    const third = await load()
    third.page.paint()
    expect(third.bodies()).toEqual(['one', 'two', 'three'])
  })

  it('keeps no secret, and does not connect without one', async () => {
    const { load, storage, store } = browserTab()
    const first = await load()
    const profile: Profile = {
      ...createProfile('ws://localhost/stomp?ticket=s3cret-1'),
      passcode: 's3cret-2',
      token: 's3cret-3',
      tokenPlace: 'header',
      tokenName: 'X-Mine',
      customSubProtocols: 'bearer.s3cret-4',
      subProtocol: 'custom',
      headers: [{ name: 'Authorization', value: 's3cret-5' }],
      isSavingSecrets: true,
    }
    first.workspace.addConnection(profile)
    await first.connect()
    const { connection } = first.tab()
    connection.subscribe({
      destination: '/topic/a',
      headers: [
        ['token', 's3cret-6'],
        ['X-Mine', 's3cret-7'],
        ['x', 'y'],
      ],
    })
    connection.send({ destination: '/bridge/renew', body: 's3cret-8' })
    connection.send({ destination: '/app/a', headers: { Authorization: 's3cret-9', 'X-Mine': 's3cret-10' }, body: 'x' })
    await first.leave()
    const kept = JSON.stringify([[...storage.items], store.pieces])
    expect(kept).toContain('/bridge/renew')
    expect(kept).toContain('/app/a')
    expect(kept).not.toMatch(/s3cret/)

    const second = await load()
    expect(second.page.sockets).toEqual([])
    second.page.paint()
    expect(second.notes().at(-1)).toContain('Secrets are not kept: enter them in “Settings”')
  })

  it('has no subscription that is too long to keep, and none that is cut', async () => {
    const { load } = browserTab()
    const first = await load()
    await first.connect()
    const { connection } = first.tab()
    connection.subscribe({ destination: `/topic/${'d'.repeat(8_186)}` })
    connection.subscribe({ destination: '/topic/selected', headers: [['selector', 's'.repeat(8_193)]] })
    connection.subscribe({ destination: `/topic/${'d'.repeat(8_185)}`, headers: [['x', '']] })
    await first.leave()
    const second = await load()
    const subscriptions = second.tab().connection.subscriptions.value
    expect(subscriptions.map(({ id, destination }) => [id, destination.length])).toEqual([['sub-2', 8_192]])
  })

  it('connects with what it was connected with, and still has what its form held', async () => {
    const { load, storage } = browserTab()
    const first = await load()
    await first.connect()
    const { profile } = first.tab().connection
    profile.url.value = 'ws://half-ty'
    profile.passcode.value = 's3cret'
    first.tab().isSettingUp.value = true
    await first.leave()
    expect(JSON.stringify([...storage.items])).not.toMatch(/s3cret/)

    const second = await load()
    const { connection, isSettingUp } = second.tab()
    expect(second.page.socket.url).toBe('ws://localhost/stomp')
    await second.page.socket.accept()
    expect([connection.title.value, connection.profile.url.value]).toEqual(['localhost/stomp', 'ws://half-ty'])
    // Nobody asked for it there.
    expect([connection.state.value, isSettingUp.value]).toEqual(['connected', true])
  })

  it('has nothing of one that was duplicated', async () => {
    const { load, taken, storage } = browserTab()
    const first = await load()
    await first.connect()
    first.receive('one')
    await first.leave()
    taken.add(readPage(storage.getItem(PAGE_KEY))!.id)
    const copy = await load()
    copy.page.paint()
    expect([copy.bodies(), copy.page.sockets]).toEqual([[], []])
    expect(taken).not.toContain(readPage(storage.getItem(PAGE_KEY))!.id)
  })

  it.each(['nothing', '{"version":2}', '{"version":1,"id":"a","tabs":[7,{"key":"k"}]}', '[]'])(
    'begins anew where %s is kept',
    async (text) => {
      const { load, storage } = browserTab()
      storage.setItem(PAGE_KEY, text)
      const { workspace } = await load()
      expect(workspace.connections.value.map((each) => each.profile.url.value)).toEqual(['ws://localhost/stomp'])
    },
  )

  it('takes nothing from the storage that is no record', async () => {
    const { load, store } = browserTab()
    const first = await load()
    await first.connect()
    first.receive('one')
    await first.leave()
    store.pieces = store.pieces.map((piece) => ({
      ...piece,
      records: [null, { kind: 'frame' }, { ...piece.records[0]!, raw: 7 }, ...piece.records] as never,
    }))
    const second = await load()
    second.page.paint()
    expect(second.bodies()).toEqual(['one'])
  })
})

describe('what is kept of the frames', () => {
  it('comes after a moment, in pieces, and is at most 5,000 of them', async () => {
    const { load, store } = browserTab()
    const { page, connect, receive } = await load()
    await connect()
    const kept = () => store.pieces.reduce((sum, { records }) => sum + records.length, 0)
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 700; j++) receive(`${i}-${j}`)
      page.clock.advance(10_000)
      await settled()
    }
    expect(kept()).toBeGreaterThanOrEqual(KEPT.records)
    expect(kept()).toBeLessThan(KEPT.records + 500)
    expect(toText(store.pieces.at(-1)!.records.at(-1)!.raw)).toContain('11-699')
  })

  it('is bounded in bytes, and a very large one is only mentioned', async () => {
    const { load, store } = browserTab()
    const first = await load()
    await first.connect()
    for (let i = 0; i < 30; i++) first.receive('x'.repeat(500_000))
    first.receive('y'.repeat(MAX_KEPT_FRAME_BYTES + 1))
    await first.leave()
    const bytes = store.pieces.flatMap(({ records }) => records).reduce((sum, { raw }) => sum + raw.length, 0)
    expect(bytes).toBeGreaterThan(KEPT.bytes / 2)
    expect(bytes).toBeLessThanOrEqual(KEPT.bytes)
    const second = await load()
    second.page.paint()
    expect(second.notes().join('\n')).toContain('too large to keep: MESSAGE of 1 MiB')
  })

  it('goes with the log that is emptied, with the tab that is closed, and after a day', async () => {
    const { load, store } = browserTab()
    const first = await load()
    await first.connect()
    first.receive('one')
    await first.leave()
    first.tab().console.clear()
    await settled()
    expect(store.pieces).toEqual([])
    first.receive('two')
    await first.leave()
    expect(store.pieces).toHaveLength(1)
    first.workspace.closeConnection(first.tab().connection.id)
    await settled()
    expect(store.pieces).toEqual([])
    const old = { page: 'another', tab: 't', number: 1, records: [] }
    const day = 24 * 60 * 60 * 1000
    store.pieces = [
      { ...old, savedAtMs: first.page.now() - day - 1 },
      { ...old, savedAtMs: first.page.now() - day + 1 },
    ]
    await load()
    await settled()
    expect(store.pieces).toHaveLength(1)
  })

  it('is not there where the browser refuses; the page says so and goes on', async () => {
    const { load, store } = browserTab()
    const first = await load()
    store.refusal = new DOMException('There is no room', 'QuotaExceededError')
    await first.connect()
    first.receive('one')
    await first.leave()
    expect(first.keeper.problem.value).toContain('(There is no room)')
    const second = await load()
    expect(second.keeper.problem.value).toContain('does not keep all frames')
    await second.page.socket.accept()
    expect(second.tab().connection.state.value).toBe('connected')
  })

  it('has no tabs where the storage is full: the page says so until there is room', async () => {
    const { load, storage } = browserTab()
    const { setItem } = storage
    storage.setItem = () => {
      throw new DOMException('There is no room', 'QuotaExceededError')
    }
    const { keeper, connect, tab } = await load()
    await connect()
    expect(keeper.problem.value).toContain('does not keep the tabs of this page')
    expect(tab().connection.state.value).toBe('connected')
    storage.setItem = setItem
    tab().console.text.value = 'x'
    expect(keeper.problem.value).toBeUndefined()
    expect(storage.getItem(PAGE_KEY)).not.toBeNull()
  })

  it('is forgotten with everything else, and nothing is kept from then on', async () => {
    const { load, store, storage } = browserTab()
    const { connect, receive, keeper, leave, tab } = await load()
    await connect()
    receive('one')
    await leave()
    store.pieces.push({ page: 'another', tab: 't', number: 1, savedAtMs: 0, records: [] })
    await keeper.forget()
    receive('two')
    tab().console.text.value = 'x'
    await leave()
    expect([store.pieces, storage.getItem(PAGE_KEY)]).toEqual([[], null])
  })
})
