import { conformance } from './conformance.ts'

conformance({ runtime: 'bun' })
