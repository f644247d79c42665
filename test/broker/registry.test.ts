import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Registry } from '../../src/broker/registry.ts'
import { destinationProblem, isPattern } from '../../src/destinations.ts'
import { cpuMs } from '../routes/cpu-time.ts'
import { destinations, naiveMatches, patterns } from '../routes/arbitraries.ts'

/** As a broker files those who subscribed with one string. */
interface Topic {
  readonly destination: string
  readonly subscriptions: Set<object>
}

interface Subscribed {
  readonly topic: Topic
  readonly destination: string
}

const newRegistry = () => new Registry<Topic>((destination) => ({ destination, subscriptions: new Set() }))

function subscribe(registry: Registry<Topic>, destination: string): Subscribed {
  const topic = registry.obtain(destination)
  const subscribed = { topic, destination }
  topic.subscriptions.add(subscribed)
  return subscribed
}

function unsubscribe(registry: Registry<Topic>, subscribed: Subscribed): void {
  const { topic } = subscribed
  topic.subscriptions.delete(subscribed)
  discardIfEmpty(registry, topic)
}

function discardIfEmpty(registry: Registry<Topic>, topic: Topic): void {
  if (topic.subscriptions.size === 0) registry.remove(topic.destination, topic)
}

/** Who gets it, sorted; twice what is found twice. */
function reached(registry: Registry<Topic>, destination: string): string[] {
  const subscriptions = registry.match(destination).flatMap((topic) => [...topic.subscriptions] as Subscribed[])
  return subscriptions.map((subscribed) => subscribed.destination).sort()
}

describe('registry', () => {
  it.each([
    [
      '/topic/a',
      ['/topic/a', '/topic/*', '/topic/**', '/**', '/topic/?', '/**/a', '**'],
      ['/topic', '/topic/b', '/topic/a/*', '/topic/A', '/*'],
    ],
    [
      '/topic/a/b/c',
      ['/topic/**', '/topic/**/c', '/topic/**/b/**', '/topic/a/**/b/c', '/**/**/c', '/topic/*/b/*'],
      ['/topic/*', '/topic/**/b', '/topic/a/?'],
    ],
    ['/topic', ['/topic/**', '/**', '/*', '/topic/**/**'], ['/topic/*', '/topic/']],
    ['/topic/', ['/topic/**', '/topic/'], ['/topic', '/topic/?', '/topic/*']],
    ['/topic/a*b', ['/topic/a*b', '/topic/a?b', '/topic/*'], ['/topic/ab']],
    ['/topic//a', ['/topic/**/a', '/topic//a'], ['/topic/a', '/topic/*/a']],
    ['/topic/é😀', ['/topic/*', '/topic/é*', '/topic/é??'], ['/topic/?']],
    ['/topic/__proto__', ['/topic/__proto__', '/topic/__*', '/**/__proto__'], ['/topic/constructor']],
  ])('for %s finds %j and not %j', (destination, found, others) => {
    const registry = newRegistry()
    for (const each of [...found, ...others]) subscribe(registry, each)
    // A name with a star in it is a pattern, also for itself.
    expect(reached(registry, destination)).toEqual([...found].sort())
  })

  it('finds whom a look at every subscription finds, through any coming and going', () => {
    type Command = { readonly subscribe: string } | { readonly unsubscribe: number } | { readonly match: string }
    const commands = fc.array<Command>(
      fc.oneof(
        { weight: 3, arbitrary: fc.record({ subscribe: fc.oneof(destinations, patterns) }) },
        { weight: 2, arbitrary: fc.record({ unsubscribe: fc.nat() }) },
        { weight: 3, arbitrary: fc.record({ match: destinations }) },
      ),
      { maxLength: 60 },
    )
    let found = 0
    fc.assert(
      fc.property(commands, fc.array(destinations), (list, last) => {
        const registry = newRegistry()
        const live: Subscribed[] = []
        const matching = (destination: string) =>
          live
            .map(({ destination }) => destination)
            .filter((each) => (isPattern(each) ? naiveMatches(each, destination) : each === destination))
            .sort()
        const check = (destination: string) => {
          const expected = matching(destination)
          found += expected.length
          expect(reached(registry, destination), destination).toEqual(expected)
        }
        for (const command of list) {
          if ('subscribe' in command) live.push(subscribe(registry, command.subscribe))
          else if ('match' in command) check(command.match)
          else if (live.length > 0) unsubscribe(registry, live.splice(command.unsubscribe % live.length, 1)[0]!)
        }
        for (const destination of last) check(destination)
        for (const each of live.splice(0)) unsubscribe(registry, each)
        for (const destination of last) expect(registry.match(destination)).toEqual([])
      }),
      { numRuns: 500 },
    )
    expect(found).toBeGreaterThan(50)
  })

  it('gives one topic to those who subscribed with the same string, and to no one else', () => {
    const registry = newRegistry()
    for (const destination of ['/topic/a', '/topic/*', '/topic/**/b']) {
      expect(registry.obtain(destination)).toBe(registry.obtain(destination))
    }
    expect(registry.obtain('/topic/a')).not.toBe(registry.obtain('/topic/b'))
    expect(registry.obtain('/topic/*')).not.toBe(registry.obtain('/topic/**'))
  })

  it('keeps a topic as long as somebody is left, and forgets it then', () => {
    const registry = newRegistry()
    for (const destination of ['/topic/a', '/topic/a*', '/topic/**/a']) {
      const [one, other] = [subscribe(registry, destination), subscribe(registry, destination)]
      unsubscribe(registry, one)
      expect(reached(registry, '/topic/a')).toEqual([destination])
      unsubscribe(registry, other)
      expect(registry.match('/topic/a')).toEqual([])
      expect(registry.obtain(destination)).not.toBe(one.topic)
      discardIfEmpty(registry, registry.obtain(destination))
    }
  })

  it('forgets a topic only once, and not the one that took its place', () => {
    const registry = newRegistry()
    for (const destination of ['/topic/a', '/topic/*']) {
      const old = subscribe(registry, destination)
      unsubscribe(registry, old)
      const successor = subscribe(registry, destination)
      discardIfEmpty(registry, old.topic)
      expect(reached(registry, '/topic/a')).toEqual([destination])
      unsubscribe(registry, successor)
    }
  })

  it('keeps patterns below and beside one that goes', () => {
    const registry = newRegistry()
    const [above, middle, below] = ['/a/*', '/a/*/**', '/a/*/**/b'].map((each) => subscribe(registry, each))
    unsubscribe(registry, middle!)
    expect(reached(registry, '/a/x/b')).toEqual(['/a/*/**/b'])
    unsubscribe(registry, below!)
    expect(reached(registry, '/a/x')).toEqual(['/a/*'])
    unsubscribe(registry, above!)
    expect(registry.match('/a/x')).toEqual([])
  })

  it('holds nothing after everybody has gone', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const registry = newRegistry()
    let i = 0
    const comeAndGo = () => {
      for (const end = i + 30_000; i < end; i++) {
        unsubscribe(registry, subscribe(registry, `/topic/${i}`))
        unsubscribe(registry, subscribe(registry, `/topic/${i}/**/a*/${i}/?`))
      }
      gc()
      return process.memoryUsage().heapUsed
    }
    const before = comeAndGo()
    // A node left behind by each pattern would be some 20 MB.
    expect(comeAndGo() - before).toBeLessThan(5_000_000)
  })

  it('takes patterns of thousands of segments, and gives them back, in no more than a moment', () => {
    const registry = newRegistry()
    const hostile = ['/**/*', '/*', '/**/a', '/**', '/a*a*'].map((part) => `/topic${part.repeat(2000)}`)
    const comeAndGo = () => {
      const subscribed = hostile.map((pattern) => subscribe(registry, pattern))
      registry.match(`/topic${'/a'.repeat(500)}`)
      registry.match(`/topic/${'a'.repeat(8000)}`)
      for (const each of subscribed) unsubscribe(registry, each)
    }
    expect(cpuMs(comeAndGo)).toBeLessThan(1000)
    expect(registry.match('/topic/a')).toEqual([])
  })

  it('walks many patterns as hostile as they may be in no more than a moment', () => {
    const registry = newRegistry()
    for (let i = 0; i < 128; i++) {
      for (const pattern of [`/topic/**/${i}*${'/**/a*'.repeat(6)}`, `/topic/*${'a?'.repeat(100)}${i}*`]) {
        expect(destinationProblem(pattern)).toBeUndefined()
        subscribe(registry, pattern)
      }
    }
    const destinations = [`/topic${'/a'.repeat(63)}`, `/topic/${'a'.repeat(1000)}`]
    const matchAll = () => {
      for (const destination of destinations) registry.match(destination)
    }
    for (const destination of destinations) expect(destinationProblem(destination)).toBeUndefined()
    expect(cpuMs(matchAll)).toBeLessThan(1000)
  })
})

describe('what is filed', () => {
  it('is found by its destination, patterns by none', () => {
    const registry = newRegistry()
    const { topic } = subscribe(registry, '/topic/a')
    subscribe(registry, '/topic/*')
    expect(registry.find('/topic/a')).toBe(topic)
    for (const destination of ['/topic/b', '/topic/*']) expect(registry.find(destination)).toBeUndefined()
  })

  it('is given one by one, the exact ones first, and each under the string it was first asked for', () => {
    const registry = newRegistry()
    const names = ['/topic/**', '/topic/a', '**', '/topic/b', '/topic/*', '/**/a', '/topic/?/x', '/topic/**/**']
    const subscribed = names.map((name) => subscribe(registry, name))
    const given = () => [...registry].map(({ destination }) => destination)
    expect(given().slice(0, 2)).toEqual(['/topic/a', '/topic/b'])
    expect(given().sort()).toEqual(names.slice(0, -1).sort()) // `/topic/**/**` is `/topic/**`
    for (const each of subscribed.slice(2)) unsubscribe(registry, each)
    expect(given()).toEqual(['/topic/a', '/topic/**'])
  })
})
