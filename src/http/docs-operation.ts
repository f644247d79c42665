/**
 * Owns how one operation of the OpenAPI document looks on the docs page: what to send, what comes back. Pure functions
 * from the document to HTML; `html` escapes every value that is put in.
 */
import { html } from 'hono/html'
import type { OpenApiDocument } from './openapi.ts'

/** Escaped markup, as `hono/html` makes it. */
export type Html = ReturnType<typeof html>

type PathItem = NonNullable<OpenApiDocument['paths']>[string]

/** An operation with the place where the document has it. */
export interface PlacedOperation {
  readonly method: 'get' | 'post' | 'delete'
  readonly path: string
  readonly operation: NonNullable<PathItem['get']>
}

/** The parts of a JSON Schema that are shown. */
interface FieldSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly example?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, FieldSchema>>
}

interface MediaType {
  readonly schema?: FieldSchema
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly summary?: string; readonly value?: unknown }>>
}

/** Returns the article of an operation; `base` is the origin for its commands. */
export function operationSection(document: OpenApiDocument, placed: PlacedOperation, base: string): Html {
  const { method, path, operation } = placed
  const id = operation.operationId ?? `${method}-${path}`
  return html`<article id="${id}" aria-labelledby="${id}-title">
    <h3 id="${id}-title">${operation.summary}</h3>
    <p class="call"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></p>
    <p>${operation.description}</p>
    ${requestFields(document, operation)} ${commands(placed, base)} ${responses(operation)}
  </article>`
}

/** Returns preformatted text that a keyboard can scroll. */
export function codeBlock(label: string, text: string): Html {
  return html`<pre tabindex="0" role="group" aria-label="${label}"><code>${text}</code></pre>`
}

function requestFields(document: OpenApiDocument, operation: PlacedOperation['operation']): Html | '' {
  const parameters = parametersOf(operation)
  const areHeaders = parameters.every((parameter) => parameter.in === 'header')
  const body = resolve(document, jsonOf(operation)?.schema)
  const rows = [
    ...parameters.map(({ name, required, description, schema }) =>
      field(name, { ...(schema as FieldSchema), ...(description && { description }) }, required ?? false),
    ),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) =>
      field(name, schema, body?.required?.includes(name) ?? false),
    ),
  ]
  if (rows.length === 0) return ''
  return html`<h4>${body ? 'Request fields' : areHeaders ? 'Request headers' : 'Parameters'}</h4>
    <dl class="pairs">${rows}</dl>`
}

function parametersOf({ parameters = [] }: PlacedOperation['operation']) {
  return parameters.flatMap((parameter) => ('name' in parameter ? [parameter] : []))
}

function field(name: string, schema: FieldSchema, isRequired: boolean): Html {
  return html`<div>
    <dt><code>${name}</code> <span class="note">${isRequired ? 'required' : 'optional'}</span></dt>
    <dd>${schema.description}. <span class="note">${typeText(schema)}</span></dd>
  </div>`
}

function typeText({ type, minLength, maxLength }: FieldSchema): string {
  const types = (Array.isArray(type) ? type : [type ?? 'any']).join(' or ')
  return maxLength === undefined ? types : `${types}, ${minLength ?? 0} to ${maxLength} characters`
}

function commands({ method, path, operation }: PlacedOperation, base: string): Html | '' {
  // A handshake is made by a client library, not by a command.
  if (operation.responses?.['101']) return ''
  const url = `${base}${withExamples(path, operation)}`
  const single = singleCommand(method, url, operation)
  if (single !== undefined)
    return html`<h4>Example</h4>
      ${codeBlock('Command', single)}`
  return html`<h4>Examples</h4>
    ${Object.values(jsonOf(operation)?.examples ?? {}).map(({ summary = 'Example', value }) => {
      const data = shellQuoted(JSON.stringify(value))
      const command = `curl -i ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d ${data}`
      return html`<p class="note">${summary}</p>
        ${codeBlock(`Command: ${summary}`, command)}`
    })}`
}

/** The path and query with an example for each parameter that is needed. */
function withExamples(path: string, operation: PlacedOperation['operation']): string {
  const examples = parametersOf(operation).map(({ name, in: place, required, schema }) => {
    const { example } = schema as FieldSchema
    return { name, place, required, values: [example].flat().map((value) => withSlashes(String(value))) }
  })
  const filled = examples
    .filter(({ place }) => place === 'path')
    .reduce((whole, { name, values }) => whole.replace(`{${name}}`, values.join()), path)
  const query = examples
    .filter(({ place, required }) => place === 'query' && required)
    .flatMap(({ name, values }) => values.map((value) => `${name}=${value}`))
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`
}

/** Percent-encoded but for slashes, which both a path and a query may have. */
function withSlashes(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/')
}

/** Undefined for an operation with examples of its own, each with a command. */
function singleCommand(method: string, url: string, operation: PlacedOperation['operation']): string | undefined {
  const answers = operation.responses as Record<string, { content?: object }>
  const goesOn = Object.hasOwn(answers['200']?.content ?? {}, 'text/event-stream')
  if (method === 'get') return `curl ${goesOn ? '-N' : '-i'} ${url.includes('?') ? shellQuoted(url) : url}`
  if (method !== 'post') return `curl -i -X ${method.toUpperCase()} ${url}`
  const bytes = bodyOf(operation)?.['application/octet-stream']
  return bytes && `curl -i ${url} \\\n  --data-binary ${shellQuoted(String(bytes.example))}`
}

/** For a POSIX shell. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function responses(operation: PlacedOperation['operation']): Html {
  const rows = Object.entries(operation.responses as Record<string, { description: string; content?: object }>)
  return html`<h4>Responses</h4>
    <ul class="responses">
      ${rows.map(([status, { description, content }]) => {
        const example = exampleOf(content)
        const line = html`<span class="status s${status.charAt(0)}">${status}</span> <span>${description}</span>`
        if (example === undefined) return html`<li><p>${line}</p></li>`
        return html`<li>
          <details>
            <summary>${line}</summary>
            ${codeBlock(`Example of a ${status} response`, example)}
          </details>
        </li>`
      })}
    </ul>`
}

function exampleOf(content: object | undefined): string | undefined {
  const [media] = Object.values(content ?? {}) as MediaType[]
  if (media?.example === undefined) return undefined
  return typeof media.example === 'string' ? media.example : JSON.stringify(media.example, null, 2)
}

function jsonOf(operation: PlacedOperation['operation']): MediaType | undefined {
  return bodyOf(operation)?.['application/json']
}

function bodyOf({ requestBody }: PlacedOperation['operation']): Readonly<Record<string, MediaType>> | undefined {
  return requestBody && 'content' in requestBody ? requestBody.content : undefined
}

function resolve(document: OpenApiDocument, schema: FieldSchema | undefined): FieldSchema | undefined {
  const name = schema?.$ref?.replace('#/components/schemas/', '')
  return name === undefined ? schema : document.components?.schemas?.[name]
}
