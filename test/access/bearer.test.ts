import { expect, it } from 'vitest'
import { bearerToken } from '../../src/access/bearer.ts'

it.each([
  ['Bearer abc', 'abc'],
  ['bearer   a.b-c_d~e+/=  ', 'a.b-c_d~e+/='],
  ['Bearer', ''],
  ['Bearer ', ''],
  ['Bearer two words', 'two words'],
  ['Bearer a\nb', 'a\nb'],
  ['Bearerabc', undefined],
  ['Basic abc', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
])('the header %j has the token %j', (header, token) => {
  expect(bearerToken(header)).toBe(token)
})
