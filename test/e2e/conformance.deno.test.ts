import { conformance } from './conformance.ts'

conformance({ runtime: 'deno' })
