/** The line below the list: how much is shown and how much is gone, and what can be done with what is shown. */
import { useSignal } from '@preact/signals'
import { toJsonLines } from '../stomp/log-export.ts'
import type { ConsoleModel } from '../stomp/console-model.ts'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Icon } from '../ui/icon.tsx'
import { formatBytes, formatCount } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { goToError } from './go-to-error.ts'
import { importLog } from './import-log.ts'
import { saveLog } from './save-log.ts'

/** A clipboard is for reading, a file for more. */
const MAX_COPIED = 5_000

export function ConsoleStatus({ tab }: { readonly tab: Tab }) {
  const model = tab.console
  void model.version.value
  const { log } = model.connection
  const { records, isFiltering, missed, progress } = model
  const shown = formatCount(records.length)
  return (
    <div class="console-status tabular">
      <span>
        {isFiltering
          ? `${shown} of ${formatCount(log.size)} lines`
          : `${shown} ${records.length === 1 ? 'line' : 'lines'}`}
        {`, ${formatBytes(log.bytes)}`}
      </span>
      {progress < 1 && <span>searching, {Math.floor(progress * 100)} %</span>}
      {log.dropped > 0 && (
        <span class="console-dropped">
          {formatCount(log.dropped)} older {log.dropped === 1 ? 'one' : 'ones'} dropped
        </span>
      )}
      {model.isPaused.value ? (
        <Button kind="quiet" onClick={() => model.setPaused(false)}>
          {`Paused, ${formatCount(missed)} new: resume`}
        </Button>
      ) : (
        !model.isFollowing.value && (
          <Button kind="quiet" onClick={() => (model.isFollowing.value = true)}>
            Follow what comes
          </Button>
        )
      )}
      {model.errorCount > 0 && <Errors model={model} />}
      <LogActions tab={tab} />
    </div>
  )
}

/** How many there are, and the way from one to the next. */
function Errors({ model }: { readonly model: ConsoleModel }) {
  const count = model.errorCount
  return (
    <span class="console-errors">
      {formatCount(count)} {count === 1 ? 'error' : 'errors'}
      <Button kind="quiet" title="Error before; Shift e in the list" onClick={() => goToError(model, -1)}>
        <Icon name="up" />
      </Button>
      <Button kind="quiet" title="Next error; e in the list" onClick={() => goToError(model, 1)}>
        <Icon name="down" />
      </Button>
    </span>
  )
}

function LogActions({ tab }: { readonly tab: Tab }) {
  const model = tab.console
  const problem = useSignal<string | undefined>(undefined)
  const isShowing = model.isShowingSecrets.value
  const options = () => ({ isShowingSecrets: isShowing, secretNames: model.connection.secretNames })
  const places = 'in the list, in copies and in exports'
  return (
    <div class="console-outlets">
      <Button
        kind="quiet"
        pressed={isShowing}
        title={`${isShowing ? 'Hide' : 'Show'} passcodes and tokens, ${places}`}
        onClick={() => (model.isShowingSecrets.value = !isShowing)}
      >
        <Icon name="key" />
        {isShowing ? 'Secrets shown' : 'Secrets hidden'}
      </Button>
      <CopyButton label="Copy" text={() => [...toJsonLines(model.records.slice(-MAX_COPIED), options())].join('')} />
      <Button
        kind="quiet"
        title="Save what is shown as JSON lines"
        onClick={() => void saveLog(model.records, options())}
      >
        Export
      </Button>
      <Button
        kind="quiet"
        title="Add a log that was exported"
        onClick={() => void importLog(tab).then((why) => (problem.value = why))}
      >
        Import
      </Button>
      {problem.value !== undefined && (
        <Notice kind="error" onDismiss={() => (problem.value = undefined)}>
          {problem.value}
        </Notice>
      )}
    </div>
  )
}
