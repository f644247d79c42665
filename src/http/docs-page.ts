/**
 * Owns `/docs`: the page that tells a person what this bridge serves. It is rendered from the OpenAPI document, in one
 * piece: no script, nothing from elsewhere, and a policy header that forbids both.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import { html, raw } from 'hono/html'
import { codeBlock, operationSection, type Html } from './docs-operation.ts'
import { STYLE } from './docs-style.ts'
import type { HttpEnv } from './json-error.ts'
import type { OpenApiDocument } from './openapi.ts'

/** What the page says beside the document. */
export interface DocsFacts {
  /** Path of the STOMP endpoint. */
  readonly path: string
  readonly runtime: string
}

/** The operation, as the OpenAPI document shows it. */
export const docsRoute = createRoute({
  method: 'get',
  path: '/docs',
  operationId: 'getDocs',
  tags: ['Operation'],
  summary: 'Read this page',
  description: 'This description, as a page for people.',
  responses: { 200: { description: 'A page', content: { 'text/html': { schema: z.string() } } } },
})

/** Used in examples when the request's own host is nothing to put into a command line. */
const PLACEHOLDER_HOST = 'localhost:8080'

/** Makes the handler. Its examples name the host that the reader used, and the path that a proxy says it put before. */
export function createDocsHandler(document: OpenApiDocument, facts: DocsFacts): Handler<HttpEnv> {
  const policy = contentSecurityPolicy(STYLE)
  return async (c) =>
    c.html(renderDocs(document, facts, baseOf(c)), 200, {
      'Content-Security-Policy': await policy,
      'Cache-Control': 'no-cache',
    })
}

/** Returns the page; `base` is the address of the bridge for its examples, without a slash at the end. */
export function renderDocs(document: OpenApiDocument, { path, runtime }: DocsFacts, base: string): Html {
  const { info, tags = [] } = document
  const sections = tags.map(({ name, description }) => ({ name, description, id: name.toLowerCase() }))
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${info.title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header>
          <h1>${info.title}</h1>
          <p class="lead">${info.description}</p>
          <p class="facts">Version ${info.version} on ${runtime}</p>
          <nav aria-label="Sections">
            <ul>
              ${sections.map(({ name, id }) => html`<li><a href="#${id}">${name}</a></li>`)}
              <li><a href="./openapi.json">OpenAPI document</a></li>
            </ul>
          </nav>
        </header>
        <main>
          ${sections.map(
            ({ name, description, id }) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${name}</h2>
                <p>${description}</p>
                ${name === 'STOMP' ? stompGuide(`${base.replace(/^http/, 'ws')}${path}`) : ''}
                ${operationsOf(document, name).map((operation) => operationSection(document, operation, base))}
              </section>`,
          )}
        </main>
      </body>
    </html> `
}

function operationsOf(document: OpenApiDocument, tag: string) {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'delete'] as const).flatMap((method) => {
      const operation = item[method]
      return operation?.tags?.includes(tag) ? [{ method, path, operation }] : []
    }),
  )
}

function stompGuide(url: string): Html {
  const sample = `import { Client } from '@stomp/stompjs'

const client = new Client({
  brokerURL: '${url}',
  onConnect: () => {
    client.subscribe('/topic/greetings', (message) => console.log(message.body))
    client.publish({ destination: '/topic/greetings', body: 'Hello' })
  },
})
client.activate()`
  return html`
    <dl class="pairs">
      <div>
        <dt>Endpoint</dt>
        <dd><code>${url}</code></dd>
      </div>
      <div>
        <dt>Versions</dt>
        <dd>STOMP 1.2, 1.1 and 1.0</dd>
      </div>
    </dl>
    <h3>Connect, subscribe, send</h3>
    ${codeBlock('A client in JavaScript', sample)}
    <h3>Destinations</h3>
    <p>These are the prefixes without configuration; yours may differ.</p>
    <dl class="pairs">
      <div>
        <dt><code>/topic/…</code></dt>
        <dd>
          SUBSCRIBE to it to get its messages, and SEND to it to reach all of its subscribers, on every node. A
          subscription may be a pattern: <code>?</code> is one character, <code>*</code> any text within a segment,
          <code>**</code> any number of segments.
        </dd>
      </div>
      <div>
        <dt><code>/app/…</code></dt>
        <dd>
          SEND to it to reach a backend: a route says which Redis channel gets the body. Clients cannot subscribe to it.
        </dd>
      </div>
    </dl>
  `
}

// What a proxy names is believed, because it only changes the examples on the page of whoever asks.
function baseOf(c: Context<HttpEnv>): string {
  const scheme = c.req.header('x-forwarded-proto') === 'https' ? 'https' : new URL(c.req.url).protocol.slice(0, -1)
  const host = c.req.header('host') ?? new URL(c.req.url).host
  const prefix = c.req.header('x-forwarded-prefix')?.replace(/\/$/, '') ?? ''
  return [
    `${scheme}://`,
    /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(host) ? host : PLACEHOLDER_HOST,
    /^(\/[\w.~-]+)+$/.test(prefix) ? prefix : '',
  ].join('')
}

async function contentSecurityPolicy(style: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style)))
  const hash = btoa(String.fromCharCode(...digest))
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}
