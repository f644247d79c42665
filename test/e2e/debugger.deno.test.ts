import { debuggerSuite } from './debugger.ts'

debuggerSuite('deno')
