import { slowClients } from './slow-clients.ts'

slowClients('node')
