import { lifecycleSuite } from './lifecycle.ts'

lifecycleSuite('bun')
