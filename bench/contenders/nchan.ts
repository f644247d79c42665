/** nginx with the nchan module, its messages in Redis: configuration and files in a temporary directory. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../children.ts'
import type { Contender } from '../contender.ts'
import { freePort, startServer } from '../server-process.ts'
import { findProgram } from './paths.ts'

const program = findProgram('nginx')
const module = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules', '/usr/lib64/nginx/modules']
  .map((place) => join(place, 'ngx_nchan_module.so'))
  .find((path) => existsSync(path))

export const NCHAN: Contender = {
  name: 'nginx nchan + Redis',
  missing: program && module ? undefined : 'not installed: npm run bench -- --install-peers',
  async start(stage, channel) {
    const port = await freePort()
    const directory = temporaryDirectory('nchan')
    writeFileSync(join(directory, 'nginx.conf'), configuration(directory, port, stage.redisUrl))
    const server = await startServer([program!, '-p', directory, '-c', join(directory, 'nginx.conf')], port)
    const publish = (body: string): Promise<unknown> =>
      fetch(`http://127.0.0.1:${port}/pub?id=${channel}`, { method: 'POST', body }).then((answer) => answer.text())
    return {
      server,
      subscriber: { path: `/sub?id=${channel}`, hello: [] },
      publish: (bodies) => Promise.all(bodies.map(publish)),
      stop: () => server.stop(),
    }
  },
}

function configuration(directory: string, port: number, redisUrl: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/${kind};`)
    .join('\n  ')
  return `
load_module ${module};
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 15000; }
http {
  access_log off;
  ${temporary}
  upstream redis { nchan_redis_server ${redisUrl}; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    keepalive_requests 100000000;
    location = /sub { nchan_subscriber websocket; nchan_channel_id $arg_id; nchan_redis_pass redis; nchan_subscriber_first_message newest; }
    location = /pub { nchan_publisher http; nchan_channel_id $arg_id; nchan_redis_pass redis; nchan_message_buffer_length 100; nchan_message_timeout 10s; }
  }
}
`
}
