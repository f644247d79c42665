import { debuggerSuite } from './debugger.ts'

debuggerSuite('bun')
