/**
 * Finds the route of a channel and what its templates make of it, so that the forms can say where a message will go.
 * A likeness of the bridge's own table, good enough to explain; the bridge alone decides.
 */
import type { Route } from '../api/types.ts'

const VARIABLE = /(\{\*?[A-Za-z_][A-Za-z0-9_]*\})/

export interface RouteMatch {
  readonly route: Route
  /** With the values of the channel put in. */
  readonly destination: string
}

/** The first route of that direction whose channel it is; the convention comes last. */
export function matchChannel(
  routes: readonly Route[],
  direction: Route['direction'],
  channel: string,
): RouteMatch | undefined {
  const ordered = routes
    .filter((route) => route.direction === direction && route.kind === 'channel')
    .sort((a, b) => Number(a.isConvention) - Number(b.isConvention))
  for (const route of ordered) {
    const values = readTemplate(route.channel, channel)
    if (values) return { route, destination: fillTemplate(route.destination, values) }
  }
  return undefined
}

/** Channels of that direction that need nothing filled in. */
export function fixedChannels(routes: readonly Route[], direction: Route['direction']): string[] {
  const channels = routes
    .filter((route) => route.direction === direction && route.kind === 'channel')
    .map((route) => route.channel)
  return [...new Set(channels.filter((channel) => !hasVariables(channel)))]
}

export function hasVariables(template: string): boolean {
  return VARIABLE.test(template)
}

/** The values with which the template gives this text. */
export function readTemplate(template: string, text: string): ReadonlyMap<string, string> | undefined {
  const parts = template.split(VARIABLE)
  const names = parts.filter((_, i) => i % 2 === 1).map(nameOf)
  const pattern = parts.map((part, i) => (i % 2 === 0 ? escape(part) : part.startsWith('{*') ? '(.+)' : '([^/]+?)'))
  const found = new RegExp(`^${pattern.join('')}$`, 's').exec(text)
  return found ? new Map(names.map((name, i) => [name, found[i + 1]!])) : undefined
}

/** A variable without a value stays as it is written. */
export function fillTemplate(template: string, values: ReadonlyMap<string, string>): string {
  return template
    .split(VARIABLE)
    .map((part, i) => (i % 2 === 0 ? part : (values.get(nameOf(part)) ?? part)))
    .join('')
}

function nameOf(variable: string): string {
  return variable.replace(/[{}*]/g, '')
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
