import { compression } from './compression.ts'

compression('bun')
