import { edge } from './edge.ts'

edge('bun')
