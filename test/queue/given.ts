/** What a worker was told of its messages beside their bodies. */
import { headerOf } from '../../src/headers.ts'
import type { FakeWorker } from './stage.ts'

export function messageStamps({ given }: FakeWorker) {
  return given.map(({ headers }) => ({
    count: headerOf(headers, 'delivery-count'),
    redelivered: headerOf(headers, 'redelivered'),
  }))
}
