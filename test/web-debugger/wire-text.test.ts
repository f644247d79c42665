import { describe, expect, it } from 'vitest'
import { toBytes } from '../../web-debugger/stomp/frame-record.ts'
import { toFragments, toHexRows } from '../../web-debugger/stomp/wire-text.ts'

/** Signs in brackets. */
const show = (data: string | Uint8Array) =>
  toFragments(data)
    .map(({ text, isSign }) => (isSign ? `[${text}]` : text))
    .join('')

describe('the raw view', () => {
  it('has a sign for everything without a shape', () => {
    expect(show('A\nb:c\\n\r\n\t\x01\x7f\0')).toBe('A[↵\n]b:c\\n[CR][↵\n][TAB][\\x01][\\x7f][NUL]')
  })

  it('shows what would hide or turn the text around it', () => {
    expect(show('a\u202eb\u200bc\ufeff\ud800d')).toBe('a[\\u202e]b[\\u200b]c[\\ufeff][\\ud800]d')
    expect(show('héllo 😀')).toBe('héllo 😀')
  })

  it('shows bytes that are no UTF-8 one by one, among those that are', () => {
    expect(show(new Uint8Array([...toBytes('a😀'), 0xff, ...toBytes('é'), 0xc3, 0x28, 0xe2, 0x82]))).toBe(
      'a😀[\\xff]é[\\xc3]([\\xe2][\\x82]',
    )
    expect(show(new Uint8Array([0xc0, 0x80, 0xed, 0xa0, 0x80]))).toBe('[\\xc0][\\x80][\\xed][\\xa0][\\x80]')
  })

  it('has rows of sixteen bytes in hex', () => {
    expect(toHexRows(toBytes('SEND\ndestination:/a'))).toEqual([
      { at: 0, hex: '53 45 4e 44 0a 64 65 73 74 69 6e 61 74 69 6f 6e', text: 'SEND·destination' },
      { at: 16, hex: '3a 2f 61'.padEnd(47), text: ':/a' },
    ])
  })
})
