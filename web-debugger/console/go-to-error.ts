/** Goes to the next error of the console, or to the one before, and says which one it is. */
import type { ConsoleModel } from '../stomp/console-model.ts'
import { announce } from '../ui/announce.ts'
import { formatCount } from '../ui/format.ts'

export function goToError(model: ConsoleModel, direction: 1 | -1): void {
  const place = model.goToError(direction)
  announce(place === 0 ? 'No error is shown' : `Error ${formatCount(place)} of ${formatCount(model.errorCount)}`)
}
