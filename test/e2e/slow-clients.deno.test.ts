import { slowClients } from './slow-clients.ts'

slowClients('deno')
