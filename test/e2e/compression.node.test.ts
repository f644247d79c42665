import { compression } from './compression.ts'

compression('node')
