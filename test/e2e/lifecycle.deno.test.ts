import { lifecycleSuite } from './lifecycle.ts'

lifecycleSuite('deno')
