import { edge } from './edge.ts'

edge('deno')
