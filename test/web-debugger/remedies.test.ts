import { describe, expect, it, onTestFinished } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { remediesFor } from '../../web-debugger/stomp/remedies.ts'
import { FakePage } from './fake-page.ts'

const usual = createProfile('ws://localhost:15674/ws')
const refusal = { message: 'Bad CONNECT', details: "Virtual host 'localhost' access denied" }

describe('what may help', () => {
  const nothing = { isUnopened: false, refusal: undefined }
  it.each<[string, Partial<Profile>, object, string[]]>([
    ['nothing is wrong', {}, nothing, []],
    ['another ERROR came', {}, { ...nothing, refusal: { message: 'Access refused', details: '' } }, []],
    ['the virtual host is refused', {}, { ...nothing, refusal }, ['Use host /']],
    ['it was / already', { host: '/' }, { ...nothing, refusal }, []],
    ['nothing opens', {}, { ...nothing, isUnopened: true }, ['Try without sub-protocol', 'Try SockJS']],
    ['none was offered', { subProtocol: 'none' }, { ...nothing, isUnopened: true }, ['Try SockJS']],
    ['SockJS does not open', { isSockJs: true }, { ...nothing, isUnopened: true }, ['Try without SockJS']],
    ['nothing opens without STOMP', { mode: 'raw' }, { ...nothing, isUnopened: true }, ['Try SockJS']],
  ])('where %s', (_name, profile, failure, texts) => {
    const found = remediesFor({ ...usual, ...profile }, failure as typeof nothing)
    expect(found.map(({ text }) => text)).toEqual(texts)
  })

  it('is tried at once, with the settings as they are then', async () => {
    const page = new FakePage()
    const connection = new Connection('c', usual, page)
    onTestFinished(() => connection.dispose())
    connection.connect()
    await Promise.resolve()
    page.socket.open()
    page.socket.receiveFrame({ command: 'ERROR', headers: [['message', refusal.message]], body: refusal.details })
    page.socket.end(1005)
    const [remedy] = connection.remedies
    connection.apply(remedy!)
    connection.connect()
    expect(connection.remedies).toEqual([])
    await page.socket.accept()
    expect(page.socket.frames()[0]!.headers.get('host')).toBe('/')
    expect(connection.state.value).toBe('connected')
  })

  it('is offered only where no attempt before has opened', async () => {
    const page = new FakePage()
    const connection = new Connection('c', { ...usual, isReconnecting: false }, page)
    onTestFinished(() => connection.dispose())
    connection.connect()
    page.socket.end(1006)
    expect(connection.remedies).toHaveLength(2)
    connection.connect()
    await page.socket.accept()
    page.socket.end(1006)
    expect(connection.remedies).toEqual([])
  })
})
