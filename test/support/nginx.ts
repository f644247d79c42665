/** nginx in front of a server, as most installations have it: its defaults, and one line for WebSockets. Ends with the file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { findProgram, missing, nginx } from '../../scripts/programs.mjs'
import { freePort } from './ports.ts'
import { adopt } from './process.ts'
import { eventually } from './wait.ts'

/**
 * Starts it, for `beforeAll`; resolves with its address, `http://127.0.0.1:PORT`, when it answers. `stickyPorts`: of
 * servers behind `/stomp/` among which it chooses by the session of SockJS in the path.
 */
export function startNginx(upstreamPort: number, stickyPorts: readonly number[] = []): Promise<string> {
  return startNginxWith((port) => places(port, upstreamPort, sticky(stickyPorts)))
}

/** The same with all that is in its `http` block, for the port that it shall listen on. */
export async function startNginxWith(http: (port: number) => string): Promise<string> {
  const program = findProgram(nginx)
  if (!program) throw missing(nginx)
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-nginx-'))
  const port = await freePort()
  writeFileSync(join(directory, 'nginx.conf'), configuration(directory, http(port)))
  const child = spawn(program.path, ['-p', directory, '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' })
  adopt(child)
  const exited = once(child, 'exit')
  afterAll(async () => {
    child.kill()
    await exited
    rmSync(directory, { recursive: true })
  })
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect').finally(() => socket.destroy())
  })
  return `http://127.0.0.1:${port}`
}

/** What is added to the configuration, by block. */
interface Sticky {
  readonly http: string
  readonly server: string
}

/** As docs/doors.md has it. */
function sticky(ports: readonly number[]): Sticky {
  if (ports.length === 0) return { http: '', server: '' }
  return {
    http: `
  map $uri $sockjs_session { ~^/stomp/[^/]+/(?<id>[^/]+)/ $id; default $request_id; }
  upstream bridges {
    hash $sockjs_session consistent;
    ${ports.map((port) => `server 127.0.0.1:${port};`).join(' ')}
  }`,
    server: 'location /stomp/ { proxy_pass http://bridges; proxy_http_version 1.1; proxy_set_header Host $host; }',
  }
}

/** With `proxy_buffering on` and HTTP/1.0 to the upstream where nothing else is said: what nginx does by itself. */
function places(port: number, upstreamPort: number, { http, server }: Sticky): string {
  const upstream = `proxy_pass http://127.0.0.1:${upstreamPort}/; proxy_set_header Host $host;`
  return `
  proxy_buffering on;
  ${http}
  server {
    listen 127.0.0.1:${port};
    ${server}
    location /one-zero/ { proxy_http_version 1.0; ${upstream} }
    location /one-one/ { proxy_http_version 1.1; proxy_set_header Connection ""; ${upstream} }
    location /websocket/ {
      proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; ${upstream}
    }
  }`
}

function configuration(directory: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/${kind};`)
    .join('\n  ')
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary}
  ${http}
}
`
}
