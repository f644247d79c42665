import { edge } from './edge.ts'

edge('node')
