import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config.ts'
import { load } from './support.ts'

const BANNER = '\n> stomp-bridge@0.1.0 start\n> exec node scripts/start.mjs print-config\n\n'

describe('a configuration file on top of which npm has put its banner', () => {
  it('is read as if that was not there', () => {
    expect(load(`${BANNER}server:\n  port: 9001\n`).server.port).toBe(9001)
  })

  it('keeps the numbers of its lines in what is wrong', () => {
    const attempt = () => load(`${BANNER}server:\n  port: [9001\n`)
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(/line [78], /)
  })

  it('is no excuse for other text', () => {
    expect(() => load('server: { port: 9001 }\n> stomp-bridge\n')).toThrow(ConfigError)
  })
})
