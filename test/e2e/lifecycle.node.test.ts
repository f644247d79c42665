import { lifecycleSuite } from './lifecycle.ts'

lifecycleSuite('node')
