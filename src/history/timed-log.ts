/** A log whose calls are timed and counted. */
import type { Metrics } from '../metrics.ts'
import type { HistoryLog } from './log.ts'

type Call = 'publish' | 'record' | 'read' | 'clear'

/** Returns the same log; what is asked of it shows in the metrics. */
export function timedLog(log: HistoryLog, metrics: Metrics): HistoryLog {
  const timed = <T>(call: Call, answer: Promise<T>): Promise<T> => {
    const begun = performance.now()
    const ended = (): void => metrics.historyCallTook(call, (performance.now() - begun) / 1000)
    answer.then(ended, ended)
    return answer
  }
  return {
    begin: () => log.begin(),
    value: (channel) => log.value(channel),
    publish: (...args) => timed('publish', log.publish(...args)),
    record: (...args) => timed('record', log.record(...args)),
    clear: (...args) => timed('clear', log.clear(...args)),
    read(destination, options) {
      // It is for the metrics themselves.
      if (options.from.kind === 'first') return log.read(destination, options)
      metrics.count.historyReads++
      return timed('read', log.read(destination, options))
    },
  }
}
