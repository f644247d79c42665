import { compression } from './compression.ts'

compression('deno')
