import { describe, expect, it } from 'vitest'
import {
  FrameError,
  formatHeartBeat,
  MAX_HEART_BEAT_MS,
  negotiateHeartBeat,
  parseHeartBeat,
} from '../../frames/index.ts'

describe('parseHeartBeat', () => {
  it.each([
    ['0,0', 0, 0],
    ['10000,10000', 10_000, 10_000],
    ['0,5000', 0, 5000],
    ['1,2', 1, 2],
    ['007,0', 7, 0],
    [`${MAX_HEART_BEAT_MS},0`, MAX_HEART_BEAT_MS, 0],
    [`${MAX_HEART_BEAT_MS + 1},9223372036854775807`, MAX_HEART_BEAT_MS, MAX_HEART_BEAT_MS],
    [`0,${'9'.repeat(400)}`, 0, MAX_HEART_BEAT_MS],
  ])('#46 reads %j', (value, sendMs, receiveMs) => {
    expect(parseHeartBeat(value)).toEqual({ sendMs, receiveMs })
  })

  it('#47 takes a missing header for 0,0', () => {
    expect(parseHeartBeat(undefined)).toEqual({ sendMs: 0, receiveMs: 0 })
  })

  it.each([
    '',
    ',',
    '1',
    '1,',
    ',1',
    '1,2,3',
    '-1,0',
    '0,-1',
    '+1,0',
    '1.5,0',
    '1e3,0',
    '0x1,0',
    'a,b',
    ' 1,2',
    '1, 2',
    '1,2 ',
    '1;2',
    '1,2\n',
    '١,٢',
  ])('#46 refuses %j', (value) => {
    expect(() => parseHeartBeat(value)).toThrow(FrameError)
    expect(() => parseHeartBeat(value)).toThrow(expect.objectContaining({ code: 'bad-heart-beat' }))
  })
})

describe('negotiateHeartBeat', () => {
  // own: sx,sy of the specification; peer: cx,cy
  it.each([
    ['0,0', '0,0', 0, 0],
    ['10000,10000', '0,0', 0, 0],
    ['0,0', '10000,10000', 0, 0],
    ['10000,10000', '10000,10000', 10_000, 10_000],
    ['10000,20000', '5000,3000', 10_000, 20_000],
    ['3000,5000', '20000,10000', 10_000, 20_000],
    ['10000,0', '5000,3000', 10_000, 0],
    ['0,10000', '5000,3000', 0, 10_000],
    ['10000,10000', '5000,0', 0, 10_000],
    ['10000,10000', '0,5000', 10_000, 0],
    ['1,1', '1,1', 1, 1],
  ])('#49 #50 agrees for own %s and peer %s: out %i, in %i', (own, peer, outgoingMs, incomingMs) => {
    expect(negotiateHeartBeat(parseHeartBeat(own), parseHeartBeat(peer))).toEqual({ outgoingMs, incomingMs })
    // the peer sees it the other way round
    expect(negotiateHeartBeat(parseHeartBeat(peer), parseHeartBeat(own))).toEqual({
      outgoingMs: incomingMs,
      incomingMs: outgoingMs,
    })
  })
})

describe('formatHeartBeat', () => {
  it('#48 writes what parseHeartBeat reads', () => {
    expect(formatHeartBeat({ sendMs: 10_000, receiveMs: 0 })).toBe('10000,0')
    expect(formatHeartBeat(parseHeartBeat('1,2'))).toBe('1,2')
  })
})
