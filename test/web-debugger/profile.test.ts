import { describe, expect, it } from 'vitest'
import { storageOrNone } from '../../web-debugger/shell/storage.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createForm, fillForm, readForm } from '../../web-debugger/stomp/profile-form.ts'
import { fromFragment, isProfileFragment, toFragment } from '../../web-debugger/stomp/profile-link.ts'
import { ProfileStore } from '../../web-debugger/stomp/profile-store.ts'
import {
  connectHeaders,
  createProfile,
  problemsOf,
  readProfile,
  socketUrl,
  subProtocolsOf,
  titleOf,
  withoutSecrets,
  type Profile,
} from '../../web-debugger/stomp/profile.ts'
import { completeUrl } from '../../web-debugger/stomp/url.ts'
import { FakePage, memoryStore } from './fake-page.ts'

const usual = createProfile('ws://localhost:8080/stomp')
const secretive: Profile = {
  ...usual,
  name: 'Production',
  url: 'wss://ada:pw@example.com/stomp?token=qqq&room=1',
  login: 'ada',
  passcode: 'hush',
  token: 'ttt',
  tokenPlace: 'header',
  tokenName: 'X-Pass',
  headers: [
    { name: 'x-pass', value: 'ppp' },
    { name: 'Authorization', value: 'aaa' },
    { name: 'client', value: 'debugger' },
  ],
}
const SECRETS = /pw|qqq|hush|ttt|ppp|aaa/

describe('a profile', () => {
  it('opens ws for http, without fragment, the token in the query where it belongs there', () => {
    expect(socketUrl({ ...usual, url: ' https://example.com/stomp#top ' })).toBe('wss://example.com/stomp')
    const query = { ...usual, token: 'a&b', tokenPlace: 'query' as const, tokenName: 'access_token' }
    expect(socketUrl({ ...query, url: 'ws://h/s?x=1' })).toBe('ws://h/s?x=1&access_token=a%26b')
  })

  it('offers the sub-protocols of its versions, none, or others', () => {
    expect(subProtocolsOf(usual)).toEqual(['v12.stomp', 'v11.stomp', 'v10.stomp'])
    expect(subProtocolsOf({ ...usual, version: '1.1' })).toEqual(['v11.stomp'])
    expect(subProtocolsOf({ ...usual, subProtocol: 'none' })).toEqual([])
    expect(subProtocolsOf({ ...usual, mode: 'raw' })).toEqual([])
    const custom = { ...usual, subProtocol: 'custom' as const, customSubProtocols: 'stomp, x ,' }
    expect(subProtocolsOf(custom)).toEqual(['stomp', 'x'])
  })

  it('puts credentials and token into the headers of CONNECT', () => {
    expect(connectHeaders(usual)).toEqual({ host: 'localhost' })
    expect(connectHeaders({ ...usual, version: '1.0' })).toEqual({})
    expect(connectHeaders({ ...usual, host: '/', login: 'a', passcode: 'b', token: 't' })).toEqual({
      host: '/',
      login: 'a',
      passcode: 'b',
      Authorization: 'Bearer t',
    })
    const smuggled = { name: 'a\nb', value: 'c\r\n\n\0SEND\ndestination:/app/x\n\n\0' }
    expect(connectHeaders({ ...usual, host: 'h\nlogin:x', headers: [smuggled] })).toEqual({
      host: 'h login:x',
      'a b': 'c    SEND destination:/app/x   ',
    })
    expect(connectHeaders(secretive)).toMatchObject({ 'X-Pass': 'ttt', client: 'debugger' })
  })

  it.each([
    ['localhost:15674/ws', 'ws://localhost:15674/ws', 'wss://localhost:15674/ws'],
    [' example.org/ws ', 'ws://example.org/ws', 'wss://example.org/ws'],
    ['//example.org/ws', 'ws://example.org/ws', 'wss://example.org/ws'],
    ['[::1]:8080', 'ws://[::1]:8080', 'wss://[::1]:8080'],
    ['ws://h/p', 'ws://h/p', 'ws://h/p'],
    ['HTTPS://h/p', 'HTTPS://h/p', 'HTTPS://h/p'],
    ['', '', ''],
  ])('with the URL %j means %s, and on a page over https %s', (typed, plain, secure) => {
    expect([completeUrl(typed, false), completeUrl(typed, true)]).toEqual([plain, secure])
  })

  it('opens, and is called by, what is typed without a scheme', () => {
    expect(socketUrl({ ...usual, url: 'localhost:15674/ws' })).toBe('ws://localhost:15674/ws')
    expect(titleOf({ name: '', url: 'localhost:15674/ws' })).toBe('localhost:15674/ws')
  })

  it.each([
    ['', 'Enter the URL'],
    ['no host', 'This is no URL'],
    ['localhost:808080', 'This is no URL'],
    ['ftp://host/', 'must begin with ws:// or wss://, not with "ftp:"'],
    ['javascript:alert(1)', 'must begin with ws:// or wss://, not with "javascript:"'],
  ])('with the URL %j has a problem', (url, problem) => {
    expect(problemsOf({ ...usual, url }).url).toContain(problem)
  })

  it.each(['ws://h', 'wss://h/p?q', 'http://h:1/p', 'localhost:8080/stomp', 'h'])('may have the URL %s', (url) =>
    expect(problemsOf({ ...usual, url })).toEqual({}),
  )

  it('wants whole numbers of at most a day for heart-beats, and a name for the place of a token', () => {
    expect(Object.keys(problemsOf({ ...usual, heartBeatOutMs: NaN, heartBeatInMs: -1 }))).toEqual([
      'heartBeatOutMs',
      'heartBeatInMs',
    ])
    // A browser takes a timer of more than 24 days for one of 1 ms, and would flood the server.
    expect(problemsOf({ ...usual, heartBeatOutMs: 86_400_000, heartBeatInMs: 3e9 })).toEqual({
      heartBeatInMs: 'At most 86400000 milliseconds, which is a day',
    })
    expect(problemsOf({ ...usual, token: 't', tokenPlace: 'header', tokenName: ' ' })).toHaveProperty('tokenName')
  })

  it.each([
    ['v12.stomp, my own', '"my own" cannot be offered'],
    ['a/b', '"a/b" cannot be offered'],
    ['ä', '"ä" cannot be offered'],
    ['v12.stomp,x, v12.stomp', '"v12.stomp" is there twice'],
    ['bearer.abc/def==', '"bearer.••••••" cannot be offered'],
  ])('offers no sub-protocols that browsers refuse: %s', (customSubProtocols, problem) => {
    const profile = { ...usual, subProtocol: 'custom' as const, customSubProtocols }
    expect(problemsOf(profile).customSubProtocols).toContain(problem)
    expect(problemsOf({ ...profile, mode: 'raw' }).customSubProtocols).toContain(problem)
    expect(problemsOf({ ...profile, isSockJs: true })).toEqual({})
    expect(problemsOf({ ...profile, subProtocol: 'match' })).toEqual({})
  })

  it('is called by its name, or by its URL', () => {
    expect(titleOf(secretive)).toBe('Production')
    expect(titleOf({ name: ' ', url: 'ws://localhost:8080/stomp' })).toBe('localhost:8080/stomp')
    expect(titleOf({ name: '', url: 'ws://localhost/' })).toBe('localhost')
    expect(titleOf({ name: '', url: 'half' })).toBe('half')
  })

  it('loses every secret, and keeps the rest', () => {
    const clean = withoutSecrets(secretive)
    expect(JSON.stringify(clean)).not.toMatch(SECRETS)
    expect(clean).toMatchObject({ url: 'wss://ada@example.com/stomp?room=1', login: 'ada', name: 'Production' })
    expect(clean.headers).toContainEqual({ name: 'client', value: 'debugger' })
  })

  it('is read from what others wrote, field by field', () => {
    const given = { url: 'ws://h', version: '9', mode: 'raw', heartBeatInMs: '5', headers: [{ name: 'a' }, null], x: 1 }
    expect(readProfile(given, usual)).toEqual({ ...usual, url: 'ws://h', mode: 'raw' })
    const tooLong = `ws://h/${'x'.repeat(8_186)}`
    for (const wrong of [null, 'x', [], {}, { url: 1 }, { url: tooLong }])
      expect(readProfile(wrong, usual)).toBeUndefined()
  })

  it('goes into a form and back', () => {
    const form = createForm(usual)
    fillForm(form, secretive)
    expect(readForm(form)).toEqual(secretive)
    form.heartBeatInMs.value = 'soon'
    expect(readForm(form).heartBeatInMs).toBeNaN()
    form.heartBeatInMs.value = ''
    expect(readForm(form).heartBeatInMs).toBeNaN()
  })
})

describe('what a profile brings along', () => {
  const work = {
    ...usual,
    subscriptions: [
      { destination: '/topic/a', ack: 'client' as const, headers: [{ name: 'token', value: 's3cret' }] },
      { destination: '/topic/b', ack: 'auto' as const, headers: [{ name: 'x', value: 'y' }] },
    ],
    messages: [
      {
        destination: '/app/a',
        headers: [{ name: 'passcode', value: 's3cret' }],
        bodyKind: 'json' as const,
        text: '{}',
      },
      { destination: '/bridge/renew', headers: [], bodyKind: 'text' as const, text: 's3cret' },
    ],
  }

  it('goes into a link, without secret headers and new tokens', () => {
    const linked = fromFragment(toFragment(work))!
    expect(JSON.stringify(linked)).not.toContain('s3cret')
    expect(linked.subscriptions.map(({ destination, ack }) => [destination, ack])).toEqual([
      ['/topic/a', 'client'],
      ['/topic/b', 'auto'],
    ])
    expect(linked.messages.map(({ destination, text }) => [destination, text])).toEqual([['/app/a', '{}']])
  })

  it('is left out of a link that would be too long to be read', () => {
    const [message] = work.messages
    const long = { ...work, messages: [{ ...message!, text: 'x'.repeat(20_000) }] }
    expect(fromFragment(toFragment(long))).toMatchObject({ messages: [], subscriptions: [{}, {}] })
    const many = { ...long, subscriptions: Array.from({ length: 500 }, () => work.subscriptions[1]!) }
    expect(fromFragment(toFragment(many))).toMatchObject({ url: usual.url, messages: [], subscriptions: [] })
  })

  it('is read one by one, and what is none is left out', () => {
    const given = {
      url: 'ws://h',
      subscriptions: [null, { destination: 7 }, { destination: '' }, { destination: '/a', ack: 'maybe', headers: 'x' }],
      messages: [
        { destination: '/a', bodyKind: 'file', text: '' },
        { destination: '/a', bodyKind: 'hex', text: '00' },
      ],
    }
    expect(readProfile(given, usual)).toMatchObject({
      subscriptions: [{ destination: '/a', ack: 'auto', headers: [] }],
      messages: [{ destination: '/a', headers: [], bodyKind: 'hex', text: '00' }],
    })
  })

  it('has nothing that is cut because it is too long', () => {
    const long = 'x'.repeat(8_193)
    const headers = [
      { name: 'a', value: long },
      { name: 'b', value: long.slice(1) },
    ]
    const given = {
      url: 'ws://h',
      token: long,
      login: long.slice(1),
      headers,
      subscriptions: [{ destination: long }, { destination: '/a', headers }, { destination: long.slice(1) }],
      messages: [
        { destination: long, bodyKind: 'text', text: '' },
        { destination: '/a', bodyKind: 'text', text: '', headers },
      ],
    }
    expect(readProfile(given, usual)).toMatchObject({
      token: '',
      login: long.slice(1),
      headers: [headers[1]],
      subscriptions: [{ destination: long.slice(1), headers: [] }],
      messages: [],
    })
  })

  it('is subscribed once, when it connects, but for what is subscribed already', async () => {
    const page = new FakePage()
    const connection = new Connection('c', work, page)
    connection.subscribe({ destination: '/topic/b' })
    connection.connect()
    await page.socket.accept()
    const destinations = () => connection.subscriptions.value.map(({ destination }) => destination)
    expect(destinations()).toEqual(['/topic/b', '/topic/a'])
    connection.unsubscribe(connection.subscriptions.value[1]!)
    page.socket.end()
    connection.disconnect()
    connection.connect()
    expect(destinations()).toEqual(['/topic/b'])
    connection.dispose()
  })
})

describe('a link', () => {
  it('carries a profile without its secrets', () => {
    const fragment = toFragment({ ...secretive, name: 'Grüße 😀' })
    expect(fragment).toMatch(/^profile=[\w-]+$/)
    expect(fromFragment(`#${fragment}`)).toEqual(withoutSecrets({ ...secretive, name: 'Grüße 😀' }))
  })

  it.each(['', '#', '#other', '#profile=', '#profile=!!', '#profile=e30'])('that is %j carries none', (fragment) =>
    expect(fromFragment(fragment)).toBeUndefined(),
  )

  it('is not read when it is longer than any profile', () => {
    const text = (length: number) => btoa(JSON.stringify({ url: `ws://h/${'x'.repeat(length)}` }))
    expect(fromFragment(`profile=${text(1_000)}`)).toBeDefined()
    expect(fromFragment(`profile=${text(100_000)}`)).toBeUndefined()
    expect([isProfileFragment('#profile=x'), isProfileFragment('#other')]).toEqual([true, false])
  })

  it('can be made of a profile of any length', () => {
    const headers = Array.from({ length: 200 }, (_, i) => ({ name: `x-${i}`, value: 'v'.repeat(8_000) }))
    expect(toFragment({ ...usual, headers }).length).toBeGreaterThan(200_000)
  })

  it('brings in no secret that somebody put there', () => {
    const text = btoa(JSON.stringify({ url: 'ws://h', passcode: 'hush', isSavingSecrets: true }))
    expect(fromFragment(`profile=${text}`)).toMatchObject({ passcode: '', isSavingSecrets: false })
  })
})

describe('the store of profiles', () => {
  it('keeps profiles for the next visit, without secrets', () => {
    const storage = memoryStore()
    new ProfileStore(storage).save(secretive)
    expect([...storage.items.values()].join()).not.toMatch(SECRETS)
    const [kept] = new ProfileStore(storage).profiles.value
    expect(kept).toEqual(withoutSecrets(secretive))
  })

  it('keeps secrets where a profile says so, but exports them never', () => {
    const storage = memoryStore()
    const store = new ProfileStore(storage)
    store.save({ ...secretive, isSavingSecrets: true })
    expect(new ProfileStore(storage).profiles.value[0]).toMatchObject({ passcode: 'hush', token: 'ttt' })
    expect(store.exportJson()).not.toMatch(SECRETS)
  })

  it('has one of each name', () => {
    const store = new ProfileStore(memoryStore())
    store.save(usual)
    store.save(secretive)
    store.save({ ...usual, login: 'new' })
    expect(store.profiles.value.map(({ name, login }) => [name, login])).toEqual([
      ['Production', 'ada'],
      ['localhost:8080/stomp', 'new'],
    ])
    store.remove('Production')
    expect(store.profiles.value).toHaveLength(1)
  })

  it('imports what was exported, and says when there is nothing in it', () => {
    const from = new ProfileStore(memoryStore())
    from.save(usual)
    from.save(secretive)
    const to = new ProfileStore(memoryStore())
    expect(to.importJson(from.exportJson())).toBe(2)
    expect(to.profiles.value).toEqual(from.profiles.value.map(withoutSecrets))
    for (const wrong of ['', '{', '[]', '{"profiles": 5}', '"x"', 'null']) {
      expect(to.importJson(wrong)).toBe(0)
      expect(to.problem.value).toContain('No profile found')
    }
  })

  it('lets no file decide that secrets are stored', () => {
    const storage = memoryStore()
    const store = new ProfileStore(storage)
    expect(store.importJson(JSON.stringify([{ ...secretive, isSavingSecrets: true }]))).toBe(1)
    expect([...storage.items.values()].join()).not.toMatch(SECRETS)
    expect(store.profiles.value[0]).toMatchObject({ isSavingSecrets: false })
  })

  it('takes from a hostile file what is of the right kind, and no more than fits', () => {
    const store = new ProfileStore(memoryStore())
    const hostile =
      '[{"url":"javascript:alert(1)","__proto__":{"login":"x"},"constructor":1,"mode":"evil","headers":{"length":9},' +
      `"heartBeatInMs":"1","name":${JSON.stringify('n'.repeat(100_000))}}, 7, null, {"url":7}]`
    expect(store.importJson(hostile)).toBe(1)
    const [profile] = store.profiles.value
    expect(profile).toMatchObject({ url: 'javascript:alert(1)', login: '', mode: 'stomp', headers: [] })
    expect(problemsOf(profile!).url).toContain('must begin with ws://')
    expect(profile!.name.length).toBeLessThan(10_000)
    expect({}).not.toHaveProperty('login')
    const many = Array.from({ length: 501 }, (_, i) => ({ url: `ws://h/${i}` }))
    expect(store.importJson(JSON.stringify(many))).toBe(0)
    expect(store.problem.value).toContain('At most 500')
    expect(store.profiles.value).toHaveLength(1)
  })

  it('keeps what another tab of the browser has saved meanwhile', () => {
    const storage = memoryStore()
    const [here, there] = [new ProfileStore(storage), new ProfileStore(storage)]
    here.save({ ...usual, name: 'a' })
    there.save({ ...usual, name: 'b' })
    here.remove('none')
    expect(here.profiles.value.map(({ name }) => name)).toEqual(['a', 'b'])
    there.remove('a')
    here.reload()
    expect(here.profiles.value.map(({ name }) => name)).toEqual(['b'])
  })

  it('says when the browser keeps nothing', () => {
    const store = new ProfileStore({
      ...memoryStore(),
      setItem: () => {
        throw new Error('QuotaExceededError')
      },
    })
    store.save(usual)
    store.save(secretive)
    expect(store.profiles.value).toHaveLength(2)
    expect(store.problem.value).toContain('does not let this page save')
  })

  it('says so too where the page may not keep anything, and has them until it is closed', () => {
    const store = new ProfileStore(
      storageOrNone(() => {
        throw new DOMException('denied', 'SecurityError')
      }),
    )
    store.save(usual)
    store.save(secretive)
    expect(store.profiles.value).toHaveLength(2)
    expect(store.problem.value).toContain('does not let this page save')
  })

  it('begins empty where what is kept cannot be read', () => {
    const storage = memoryStore()
    storage.setItem('stomp-bridge.debugger.profiles', '{oops')
    expect(new ProfileStore(storage).profiles.value).toEqual([])
  })
})
