/** What a process and all below it have used, as the operating system counts it: nginx and Erlang work in children. */
import { readdirSync, readFileSync } from 'node:fs'

/** `sysconf(_SC_CLK_TCK)` on every Linux that Bun, Deno and Node run on; so one tick is 10,000 µs. */
const TICKS_PER_SECOND = 100

/** User and system time so far, in microseconds. */
export function cpuMicros(pid: number): number {
  return sumOver(pid, (each) => {
    const stat = statOf(each)
    return stat ? ((Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND) * 1e6 : 0
  })
}

/** Resident memory, in bytes. */
export function residentBytes(pid: number): number {
  return sumOver(pid, (each) => Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${each}/status`))?.[1] ?? 0) * 1024)
}

function sumOver(pid: number, measure: (pid: number) => number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + measure(each), 0)
}

function descendantsOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((child) => child !== '')
    .flatMap((child) => [Number(child), ...descendantsOf(Number(child))])
}

/** Is this machine one whose processes can be measured? */
export function canMeasure(): boolean {
  return readdirSync('/').includes('proc') && statOf(process.pid) !== undefined
}

/** Fields of /proc/PID/stat from the third on (state, parent, …); undefined if the process is gone. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process is gone
  }
}
