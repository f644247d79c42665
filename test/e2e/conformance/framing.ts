/** What a frame may look like in each version, as it arrives at subscribers of each version. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { VERSIONS, type Version } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

const ESCAPING = VERSIONS.filter((version) => version !== '1.0')
const OLDER = VERSIONS.filter((version) => version !== '1.2')

export function framing(stage: Stage): void {
  /** A sender of one version, a subscriber of another, and the destination between them. */
  const pair = async (from: Version, to: Version) => {
    const destination = `/topic/${unique()}`
    const [sender, watcher] = await Promise.all([stage.connect(from), stage.watch(to, destination)])
    return { destination, sender, watcher }
  }

  describe('a frame', () => {
    it.each(VERSIONS)('#1 is command, headers, body in %s; names are case-sensitive', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(`SEND\ndestination:${destination}\nx-a:1\nX-A:2\n\nhello\0`)
      await expectMessage(watcher, 'hello', { 'x-a': '1', 'X-A': '2' })
      sender.send(frameText('SEND', { Destination: destination, receipt: 'r1' }))
      await expectError(sender, 'missing-header', { receipt: 'r1' })
    })

    it('#2 may have CR LF on every line, or on some, in 1.2', async () => {
      const { destination, sender, watcher } = await pair('1.2', '1.2')
      sender.send(`SEND\r\ndestination:${destination}\r\nx-a:1\r\n\r\none\r\n\0`)
      sender.send(`\r\nSEND\ndestination:${destination}\r\nx-a:2\n\r\ntwo\0\r\n\n`)
      sender.send(`SEND\r\ndestination:${destination}\ncontent-length:5\r\n\nthree\0`)
      await expectMessage(watcher, 'one\r\n', { 'x-a': '1', destination })
      await expectMessage(watcher, 'two', { 'x-a': '2', destination })
      await expectMessage(watcher, 'three', { 'x-a': undefined, destination })
    })

    it.each(OLDER)('#3 has CR as part of its text in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, '1.2')
      sender.send(`SEND\ndestination:${destination}\nx-a:1\r\n\n\0`)
      await expectMessage(watcher, '', { 'x-a': '1\r' })
      sender.send(`SEND\r\ndestination:${destination}\n\n\0`)
      await expectError(sender, 'unknown-command')
    })

    it.each(VERSIONS)('#5 may be surrounded by any number of LFs in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      const send = (body: string) => frameText('SEND', { destination }, body)
      sender.send(`\n\n\n${send('one')}\n${send('two')}${'\n'.repeat(1000)}`)
      sender.send(`${'\n'.repeat(1000)}${send('three')}\n\n`)
      for (const body of ['one', 'two', 'three']) await expectMessage(watcher, body)
    })

    it.each(VERSIONS)(
      '#6 #63 has exactly the octets of content-length in %s, NULs and LFs included',
      async (version) => {
        const { destination, sender, watcher } = await pair(version, version)
        const body = 'a\0b\n\0\n\0SEND\n\n\0ü'
        const headers = { destination, 'content-length': String(Buffer.byteLength(body)) }
        sender.send(frameText('SEND', headers, body) + frameText('SEND', { destination }, 'next'))
        await expectMessage(watcher, body, { 'content-length': headers['content-length'] })
        await expectMessage(watcher, 'next')
      },
    )

    it.each(VERSIONS)('#7 ends at the first NUL without content-length in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(`SEND\ndestination:${destination}\n\none\0SEND\ndestination:${destination}\n\ntwo\0`)
      await expectMessage(watcher, 'one')
      await expectMessage(watcher, 'two')
    })

    it.each(VERSIONS)('#9 #17 goes by the first of two content-length headers in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(`SEND\ndestination:${destination}\ncontent-length:5\ncontent-length:2\n\nfirst\0`)
      await expectMessage(watcher, 'first', { 'content-length': '5' })
    })

    it.each(ESCAPING)('#14 #15 has UTF-8 in its headers, and keeps every space of them, in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(`SEND\ndestination:${destination}\nx-ü: €😀 \n y :\t\n\n\0`)
      await expectMessage(watcher, '', { 'x-ü': ' €😀 ', ' y ': '\t' })
    })

    it('#15 keeps the spaces of a destination and of a subscription id', async () => {
      const destination = `/topic/ ${unique()} `
      const watcher = await stage.watch('1.2', destination, { id: ' 1 ' })
      const sender = await stage.connect()
      sender.send(frameText('SEND', { destination: destination.trim() }, 'not for it'))
      sender.send(frameText('SEND', { destination }, 'padded'))
      await expectMessage(watcher, 'padded', { destination, subscription: ' 1 ' })
    })

    it('#16 may be padded in 1.0, as the examples of the specification are', async () => {
      const { destination, sender, watcher } = await pair('1.0', '1.2')
      sender.send(`SEND\ndestination: ${destination}\nreceipt: r1\nx-a: 1\ncontent-length: 4\n\nbody\0`)
      await sender.receipt('r1')
      await expectMessage(watcher, 'body', { destination, 'x-a': '1' })
    })

    it.each(VERSIONS)('#17 #18 counts by the first of repeated headers in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(
        `SEND\ndestination:${destination}\ndestination:/topic/other\nx-a:1\nx-a:2\nreceipt:1\nreceipt:2\n\n\0`,
      )
      await sender.receipt('1')
      await expectMessage(watcher, '', { destination, 'x-a': '1' })
      await stage.fence(sender)
    })

    it.each(ESCAPING)('#19 may have empty header values in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(`SEND\ndestination:${destination}\nx-a:\nreceipt:\n\n\0`)
      await sender.receipt('')
      await expectMessage(watcher, '', { 'x-a': '' })
    })

    it.each(VERSIONS)('#20 keeps colons behind the first one of a header in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, version)
      sender.send(`SEND\ndestination:${destination}\nx-a:b:c::\n\n\0`)
      await expectMessage(watcher, '', { 'x-a': 'b:c::' })
    })

    it.each(VERSIONS)(
      '#21 may end behind a header, as in the examples of the specification, in %s',
      async (version) => {
        const peer = await stage.connect(version)
        peer.send('BEGIN\ntransaction:t\nreceipt:1\n\0ABORT\ntransaction:t\nreceipt:2\n\0')
        await peer.receipt('1')
        await peer.receipt('2')
        peer.send('DISCONNECT\nreceipt:77\n\0')
        await peer.receipt('77')
      },
    )

    it.each(ESCAPING)('#23 #24 has escapes in names and values in %s', async (version) => {
      const { destination, sender, watcher } = await pair(version, '1.2')
      const [cr, escapedCr] = version === '1.2' ? ['\r', '\\r'] : ['', '']
      sender.send(`SEND\ndestination:${destination}\nx\\c\\n\\\\${escapedCr}y:\\c\\\\n\\n${escapedCr}\\\\\n\n\0`)
      await expectMessage(watcher, '', { [`x:\n\\${cr}y`]: `:\\n\n${cr}\\` })
    })

    it.each(ESCAPING)('#23 #58 #65 has escapes in destination and id in %s', async (version) => {
      const name = `${unique()}:\\`
      const escaped = `/topic/${name}`.replaceAll('\\', '\\\\').replaceAll(':', '\\c')
      const peer = await stage.connect(version)
      peer.send(`SUBSCRIBE\ndestination:${escaped}\nid:a\\cb\nreceipt:1\n\n\0`)
      await peer.receipt('1')
      peer.send(`SEND\ndestination:${escaped}\n\n\0`)
      await expectMessage(peer, '', { destination: `/topic/${name}`, subscription: 'a:b' })
      expect(peer.text).toContain(`\ndestination:${escaped}\n`)
      expect(peer.text).toContain('\nsubscription:a\\cb\n')
    })

    it('#26 has no escapes in 1.0: a backslash is a backslash', async () => {
      const { destination, sender, watcher } = await pair('1.0', '1.0')
      sender.send(`SEND\ndestination:${destination}\nx-a:\\n\\c\\\\\\t\\\nreceipt:r\\\n\n\0`)
      await sender.receipt('r\\')
      await expectMessage(watcher, '', { 'x-a': '\\n\\c\\\\\\t\\' })
      expect(watcher.text).toContain('\nx-a:\\n\\c\\\\\\t\\\n')
    })

    it('#27 #30 is escaped for each subscriber as its own version does', async () => {
      const destination = `/topic/${unique()}`
      const [oldest, older, newest] = await Promise.all([
        stage.watch('1.0', destination),
        stage.watch('1.1', destination),
        stage.watch('1.2', destination),
      ])
      const sender = await stage.connect('1.2')
      sender.send(`SEND\ndestination:${destination}\nx-a:\\c\\\\\\r\\n.\n\n\0`)
      await Promise.all([oldest, older, newest].map((watcher) => expectMessage(watcher, '')))
      // 1.0 can carry no LF, 1.1 no CR: what remains is readable, and no line is broken
      expect(oldest.text).toContain('\nx-a::\\\r.\n')
      expect(older.text).toContain('\nx-a:\\c\\\\\\n.\n')
      expect(newest.text).toContain('\nx-a:\\c\\\\\\r\\n.\n')
    })
  })
}
