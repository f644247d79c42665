/** How long something takes of this process's own time, in milliseconds: other processes do not count. */
export function cpuMs(action: () => unknown): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
