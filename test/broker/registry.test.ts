import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { Registry, type Subscription, type Topic } from '../../src/broker/registry.ts'
import { destinationProblem, isPattern } from '../../src/routes/destination-pattern.ts'
import { cpuMs } from '../routes/cpu-time.ts'
import { destinations, naiveMatches, patterns } from '../routes/arbitraries.ts'

interface Subscribed {
  readonly topic: Topic
  readonly subscription: Subscription
}

function subscribe(registry: Registry, destination: string): Subscribed {
  const subscription = { destination, id: '1', version: Version.V1_2 }
  const topic = registry.obtain(destination)
  topic.individuals.add(subscription)
  return { topic, subscription }
}

function unsubscribe(registry: Registry, { topic, subscription }: Subscribed): void {
  topic.individuals.delete(subscription)
  registry.discardIfEmpty(topic)
}

/** Who gets it, sorted; twice what is found twice. */
function reached(registry: Registry, destination: string): string[] {
  const subscriptions = registry.match(destination).flatMap((topic) => [...topic.individuals])
  return subscriptions.map((subscription) => subscription.destination).sort()
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
    ['/topic/', ['/topic/*', '/topic/**', '/topic/'], ['/topic', '/topic/?']],
    ['/topic/a*b', ['/topic/a*b', '/topic/a?b', '/topic/*'], ['/topic/ab']],
    ['/topic//a', ['/topic/**/a', '/topic/*/a', '/topic//a'], ['/topic/a']],
    ['/topic/é😀', ['/topic/*', '/topic/é*', '/topic/é??'], ['/topic/?']],
    ['/topic/__proto__', ['/topic/__proto__', '/topic/__*', '/**/__proto__'], ['/topic/constructor']],
  ])('for %s finds %j and not %j', (destination, found, others) => {
    const registry = new Registry()
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
        const registry = new Registry()
        const live: Subscribed[] = []
        const matching = (destination: string) =>
          live
            .map(({ subscription }) => subscription.destination)
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
    const registry = new Registry()
    for (const destination of ['/topic/a', '/topic/*', '/topic/**/b']) {
      expect(registry.obtain(destination)).toBe(registry.obtain(destination))
    }
    expect(registry.obtain('/topic/a')).not.toBe(registry.obtain('/topic/b'))
    expect(registry.obtain('/topic/*')).not.toBe(registry.obtain('/topic/**'))
  })

  it('keeps a topic as long as somebody is left, and forgets it then', () => {
    const registry = new Registry()
    for (const destination of ['/topic/a', '/topic/a*', '/topic/**/a']) {
      const [one, other] = [subscribe(registry, destination), subscribe(registry, destination)]
      unsubscribe(registry, one)
      expect(reached(registry, '/topic/a')).toEqual([destination])
      unsubscribe(registry, other)
      expect(registry.match('/topic/a')).toEqual([])
      expect(registry.obtain(destination)).not.toBe(one.topic)
      registry.discardIfEmpty(registry.obtain(destination))
    }
  })

  it('forgets a topic only once, and not the one that took its place', () => {
    const registry = new Registry()
    for (const destination of ['/topic/a', '/topic/*']) {
      const old = subscribe(registry, destination)
      unsubscribe(registry, old)
      const successor = subscribe(registry, destination)
      registry.discardIfEmpty(old.topic)
      expect(reached(registry, '/topic/a')).toEqual([destination])
      unsubscribe(registry, successor)
    }
  })

  it('keeps patterns below and beside one that goes', () => {
    const registry = new Registry()
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
    const registry = new Registry()
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
    const registry = new Registry()
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
    const registry = new Registry()
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

describe('counts', () => {
  it('have every string that somebody has subscribed with, and how often', () => {
    const registry = new Registry()
    const names = ['/topic/a', '/topic/b', '/topic/*', '/topic/**', '/**/a', '/topic/?/x', '**']
    const subscribed = names.map((name) => subscribe(registry, name))
    subscribe(registry, '/topic/a')
    const once = names.slice(1).map((name): [string, number] => [name, 1])
    expect(new Map(registry.counts())).toEqual(new Map([['/topic/a', 2], ...once]))
    for (const each of subscribed.slice(1)) unsubscribe(registry, each)
    expect([...registry.counts()]).toEqual([['/topic/a', 2]])
  })
})
