import { describe, expect, it } from 'vitest'
import { ClientError } from '../../src/stomp-client/index.ts'
import { failureText, lossText } from '../../src/terminal/failure-text.ts'

describe('failureText', () => {
  it('says what the bridge says, with its code', () => {
    const error = new ClientError('no-route', 'Cannot send to "/nope"', { body: 'See docs' })
    expect(failureText(error, 'ws://h/stomp')).toBe('ws://h/stomp refuses: Cannot send to "/nope" (no-route)')
  })

  it('says what RabbitMQ says in the body, and what helps', () => {
    const error = new ClientError('unknown', 'Bad CONNECT', { body: "Virtual host 'localhost' access denied\n" })
    expect(failureText(error, 'ws://h/ws')).toBe(
      "ws://h/ws refuses: Bad CONNECT: Virtual host 'localhost' access denied (try --vhost /)",
    )
    const refused = new ClientError('unknown', 'Bad CONNECT', { body: "Access refused for user 'guest'\n" })
    expect(failureText(refused, 'h')).toBe("h refuses: Bad CONNECT: Access refused for user 'guest'")
  })

  it('is one line that cannot command the terminal, whatever the server sends', () => {
    const text = failureText(new ClientError('x\x1b', `a\n\x1b[2J${'b'.repeat(1000)}`), 'h')
    expect(text).toMatch(/^h refuses: a; \\x1b\[2Jb+ \(x\\x1b\)$/)
    expect(text.length).toBeLessThan(600)
  })

  it('names the certificate as a reason only where there is one', () => {
    const error = new ClientError('unreachable', 'Cannot connect: closed with 1006 ""')
    expect(failureText(error, 'wss://h/ws')).toContain('its certificate is not trusted here')
    expect(failureText(error, 'ws://h/ws')).not.toContain('certificate')
  })
})

describe('lossText', () => {
  it('says what the server has closed with', () => {
    const text = lossText('ws://h/ws', { closeCode: 1009, reason: 'Too\x1b big' }, 'refuses')
    expect(text).toBe('ws://h/ws refuses: Too\\x1b big (code 1009)')
    expect(lossText('ws://h/ws', { closeCode: 1001, reason: '' }, 'has closed the connection')).toBe(
      'ws://h/ws has closed the connection (code 1001)',
    )
    expect(lossText('ws://h/ws', { closeCode: undefined, reason: '' }, 'refuses')).toBe(
      'The connection to ws://h/ws is lost',
    )
  })
})
