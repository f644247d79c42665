/** Serves the page, and nothing else: what the page does goes from the browser to the bridge. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import process from 'node:process'

const page = readFileSync(new URL('index.html', import.meta.url))

const server = createServer(({ method, url }, response) => {
  if (method !== 'GET' || url !== '/') return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
})
server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  console.log(`Open http://localhost:${server.address().port}`)
})
