import { describe, expect, it } from 'vitest'
import { protocolText } from '../../web-debugger/bridge/protocol-text.ts'
import { formatBytes, formatDuration, formatGap, formatLimit } from '../../web-debugger/ui/format.ts'
import { createPreferences } from '../../web-debugger/shell/preferences.ts'
import { keep, storageOrNone } from '../../web-debugger/shell/storage.ts'
import { parseHeaderRows } from '../../web-debugger/ui/parse-header-rows.ts'
import { memoryStore } from './fake-page.ts'

describe('pasted headers', () => {
  it.each([
    ['{"a": "1", "b": 2, "c": {"d": null}}', ['a=1', 'b=2', 'c={"d":null}']],
    ['receipt:r-1\nx-trace: a:b \n', ['receipt=r-1', 'x-trace=a:b']],
  ])('are read from %s', (text, rows) => {
    expect(parseHeaderRows(text)?.map(({ name, value }) => `${name}=${value}`)).toEqual(rows)
  })

  it.each(['receipt', 'receipt:r-1', '["a"]', '7', 'null', 'a:1\nb', ''])('are not seen in %s', (text) => {
    expect(parseHeaderRows(text)).toBeUndefined()
  })
})

describe('the protocol of a session', () => {
  it.each([
    ['stomp', 'websocket', '1.2', 'STOMP 1.2 over WebSocket'],
    ['stomp', 'tcp', '1.1', 'STOMP 1.1 over TCP'],
    ['stomp', 'websocket', null, 'STOMP over WebSocket, not connected yet'],
    ['raw', 'websocket', null, 'plain WebSocket'],
    ['sse', 'http', null, 'Server-Sent Events'],
  ] as const)('of %s over %s in version %s reads as it is named elsewhere', (protocol, transport, version, text) => {
    expect(protocolText({ protocol, transport, version })).toBe(text)
  })
})

describe('figures of the bridge', () => {
  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [65_536, '64 KiB'],
    [1_572_864, '1.5 MiB'],
    [102_348, '99.9 KiB'],
    [102_349, '100 KiB'],
    [1_000_038, '977 KiB'],
    [1_023_487, '999 KiB'],
    [1_023_488, '1 MiB'],
    [2 ** 42, '4,096 GiB'],
  ])('%d bytes read as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_725_000, '1 h 2 min'],
    [90_061_000, '1 d 1 h'],
    [86_405_000, '1 d'],
  ])('%d milliseconds read as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it.each([
    [-0.04, '+0 ms'],
    [-3, '−3 ms'],
    [-7_300_000, '−2 h'],
    [0.44, '+0.4 ms'],
    [9.96, '+10 ms'],
    [999.4, '+999 ms'],
    [999.6, '+1 s'],
    [1_254, '+1.25 s'],
    [59_990, '+59.99 s'],
    [125_000, '+2 min'],
    [7_300_000, '+2 h'],
    [172_799_999, '+47 h'],
    [796_014_000_000, '+9213 d'],
  ])('%d milliseconds between two frames read as %s', (ms, text) => {
    expect(formatGap(ms)).toBe(text)
  })

  it('limits have the unit of their name', () => {
    expect(formatLimit('maxFrameBytes', 65_536)).toBe('64 KiB')
    expect(formatLimit('connectTimeoutMs', 10_000)).toBe('10 s')
    expect(formatLimit('pauseMs', 50)).toBe('50 ms')
    expect(formatLimit('maxSessions', 100_000)).toBe('100,000')
    expect(formatLimit('maxSessions', null)).toBe('none')
    expect(formatLimit('connectsPerSecond', 0)).toBe('off')
  })
})

describe('what the page remembers', () => {
  it('is there again with the same storage', () => {
    const storage = memoryStore()
    const first = createPreferences(storage)
    expect([first.theme.value, first.hasSingleKeys.value]).toEqual(['system', true])
    first.theme.value = 'dark'
    first.hasSingleKeys.value = false
    const second = createPreferences(storage)
    expect([second.theme.value, second.hasSingleKeys.value]).toEqual(['dark', false])
  })

  it('is left out where the storage is full, and the page goes on', () => {
    const items = new Map([['token', 'old']])
    const full = {
      getItem: (key: string) => items.get(key) ?? null,
      removeItem: (key: string) => void items.delete(key),
      setItem: () => {
        throw new Error('QuotaExceededError')
      },
    }
    expect(keep(full, 'token', 'new')).toBe(false)
    expect(items.size).toBe(0)
  })

  it('is nothing where there may be no storage, and the page goes on', () => {
    const storage = storageOrNone(() => {
      throw new Error('Access is denied')
    })
    expect([keep(storage, 'token', 'new'), storage.getItem('token')]).toEqual([false, null])
    expect(createPreferences(storage).theme.value).toBe('system')
  })

  it('is not taken over when it means nothing', () => {
    const storage = memoryStore()
    storage.setItem('stomp-bridge.theme', 'purple')
    expect(createPreferences(storage).theme.value).toBe('system')
  })
})
