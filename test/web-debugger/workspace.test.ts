import { effect } from '@preact/signals'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createProfile } from '../../web-debugger/stomp/profile.ts'
import { createWorkspace } from '../../web-debugger/stomp/workspace.ts'
import { FakePage, memoryStore } from './fake-page.ts'

function start() {
  const page = new FakePage()
  const workspace = createWorkspace({ defaultUrl: 'ws://localhost/stomp', storage: memoryStore(), environment: page })
  return { page, workspace }
}

async function connected() {
  const { page, workspace } = start()
  const { connection, console } = workspace.activeTab.value!
  connection.connect()
  await page.socket.accept()
  const message = (text: string, subscription = 'sub-0') =>
    page.socket.receiveFrame({
      command: 'MESSAGE',
      headers: [
        ['subscription', subscription],
        ['destination', '/topic/a'],
        ['message-id', '1'],
      ],
      body: text,
    })
  const shown = () => console.records.map(({ raw }) => String(raw).split('\n\n')[1]?.replace('\0', ''))
  return { page, workspace, connection, console, message, shown }
}

describe('the workspace', () => {
  it('begins with one connection to this bridge, not connected', () => {
    const { page, workspace } = start()
    expect(workspace.connections.value).toHaveLength(1)
    expect(workspace.active.value?.profile.url.value).toBe('ws://localhost/stomp')
    expect(page.sockets).toEqual([])
  })

  it('shows a new connection, and the one beside it when it is closed', () => {
    const { workspace } = start()
    const first = workspace.active.value!
    const second = workspace.addConnection(createProfile('ws://other/'))
    const third = workspace.addConnection()
    expect(workspace.active.value).toBe(third)
    workspace.closeConnection(third.id)
    expect(workspace.active.value).toBe(second)
    workspace.activeId.value = first.id
    workspace.closeConnection(second.id)
    expect(workspace.active.value).toBe(first)
    workspace.closeConnection(first.id)
    expect(workspace.connections.value).toHaveLength(1)
    expect(workspace.active.value).not.toBe(first)
  })

  it('ends a connection with its tab', async () => {
    const { page, workspace, connection } = await connected()
    workspace.closeConnection(connection.id)
    expect(page.socket.readyState).not.toBe(1)
    expect(connection.state.value).toBe('closed')
    expect(page.clock.pending).toBe(0)
  })
})

describe('the settings', () => {
  const begin = () => {
    const { page, workspace } = start()
    const tab = workspace.activeTab.value!
    onTestFinished(() => tab.close())
    const now = () => [tab.connection.state.value, tab.isSettingUp.value]
    return { page, workspace, tab, now }
  }

  it('are shown first, and close with the session that was asked for in them', async () => {
    const { page, workspace, tab, now } = begin()
    expect(now()).toEqual(['idle', true])
    workspace.connect()
    expect(now()).toEqual(['connecting', true])
    await page.socket.accept()
    expect(now()).toEqual(['connected', false])
    tab.isSettingUp.value = true
    tab.connection.subscribe({ destination: '/a' })
    expect(now()).toEqual(['connected', true])
    // It is there already.
    tab.connect()
    expect([now(), page.sockets]).toEqual([['connected', false], [page.socket]])
  })

  it('stay with one that was asked for elsewhere, or comes back by itself', async () => {
    const { page, tab, now } = begin()
    tab.isSettingUp.value = false
    tab.connect()
    tab.isSettingUp.value = true
    await page.socket.accept()
    expect(now()).toEqual(['connected', true])
    page.socket.end(1006)
    page.clock.advance(1000)
    await page.socket.accept()
    expect(now()).toEqual(['connected', true])
  })

  it('close with one that was asked for in them while it was waited for', async () => {
    const { page, tab, now } = begin()
    tab.connect()
    await page.socket.accept()
    page.socket.end(1006)
    tab.isSettingUp.value = true
    tab.connect()
    await page.socket.accept()
    expect(now()).toEqual(['connected', false])
  })

  it('stay when that attempt fails, and when they were left and opened again meanwhile', async () => {
    const { page, tab, now } = begin()
    tab.connect()
    page.socket.end(1006)
    tab.connection.connect()
    await page.socket.accept()
    expect(now()).toEqual(['connected', true])
    tab.connection.profile.url.value = 'ws://other/'
    tab.connect()
    tab.isSettingUp.value = false
    tab.isSettingUp.value = true
    page.socket.end(1000)
    await page.socket.accept()
    expect(now()).toEqual(['connected', true])
  })

  it('close with the session at the other server that they name', async () => {
    const { page, tab, now } = begin()
    tab.connect()
    await page.socket.accept()
    tab.isSettingUp.value = true
    tab.connection.profile.url.value = 'no sense'
    tab.connect()
    expect(now()).toEqual(['connected', true])
    tab.connection.profile.url.value = 'ws://other/'
    tab.connect()
    page.socket.end(1000)
    await page.socket.accept()
    expect([...now(), page.socket.url]).toEqual(['connected', false, 'ws://other/'])
  })
})

describe('the console', () => {
  it('takes up what came once for each paint', async () => {
    const { page, connection, console, message } = await connected()
    page.paint()
    let draws = -1
    const stop = effect(() => {
      void console.version.value
      draws++
    })
    for (let i = 0; i < 1000; i++) message(`${i}`)
    expect(draws).toBe(0)
    page.paint()
    expect(draws).toBe(1)
    expect(console.records).toHaveLength(connection.log.size)
    stop()
    connection.dispose()
  })

  it('filters as somebody types, and mutes subscriptions', async () => {
    const { page, connection, console, message, shown } = await connected()
    const a = connection.subscribe({ destination: '/topic/a' })
    connection.subscribe({ destination: '/topic/b' })
    message('apple')
    message('banana')
    message('avocado', 'sub-1')
    page.paint()
    console.command.value = 'MESSAGE'
    expect(shown()).toEqual(['apple', 'banana', 'avocado'])
    console.text.value = 'A'
    console.text.value = 'AN'
    expect(shown()).toEqual(['banana'])
    console.text.value = ''
    a.isMuted.value = true
    expect(shown()).toEqual(['avocado'])
    console.clearFilter()
    expect(a.isMuted.value).toBe(false)
    expect(console.records).toHaveLength(connection.log.size)
    connection.dispose()
  })

  it('keeps the selected record when its place changes, and when a filter hides it', async () => {
    const { page, connection, console, message } = await connected()
    for (const text of ['one', 'two', 'three']) message(text)
    page.paint()
    console.selectedIndex.value = console.records.length - 1
    const record = console.selected.value
    console.text.value = 'three'
    expect([console.selectedIndex.value, console.selected.value]).toEqual([0, record])
    console.text.value = 'one'
    expect([console.selectedIndex.value, console.selected.value]).toEqual([undefined, record])
    console.text.value = ''
    expect(console.selectedIndex.value).toBe(console.records.length - 1)
    console.deselect()
    expect(console.selected.value).toBeUndefined()
    connection.dispose()
  })

  it('holds still while it is paused, counts what comes, and goes on', async () => {
    const { page, connection, console, message, shown } = await connected()
    page.paint()
    const before = console.records.length
    console.setPaused(true)
    message('new')
    page.paint()
    expect([console.records.length, console.missed]).toEqual([before, 1])
    console.setPaused(false)
    expect(shown().at(-1)).toBe('new')
    expect(console.missed).toBe(0)
    connection.dispose()
  })

  it('empties the log, and ends a pause', async () => {
    const { page, connection, console, message, shown } = await connected()
    message('old')
    page.paint()
    console.selectedIndex.value = 0
    console.setPaused(true)
    console.clear()
    expect([console.records.length, console.selected.value, console.isPaused.value]).toEqual([0, undefined, false])
    message('new')
    page.paint()
    expect(shown()).toEqual(['new'])
    connection.dispose()
  })

  it('searches a long log over several paints', async () => {
    const { page, connection, console, message } = await connected()
    for (let i = 0; i < 5000; i++) message(`${i}`)
    page.paint()
    // Time does not pass by itself here: a look at the clock takes a millisecond.
    page.now = () => {
      page.clock.advance(1)
      return page.clock.now()
    }
    console.text.value = '4999'
    expect(console.progress).toBeLessThan(1)
    let paints = 0
    while (console.progress < 1) {
      page.paint()
      expect(++paints).toBeLessThan(100)
    }
    expect(paints).toBeGreaterThan(1)
    expect(console.records).toHaveLength(1)
    connection.dispose()
  })
})
