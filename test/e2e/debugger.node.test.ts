import { debuggerSuite } from './debugger.ts'

debuggerSuite('node')
