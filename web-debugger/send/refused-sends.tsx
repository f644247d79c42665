/** What the server did not take of what was sent, while the session goes on: the newest few, and how many in all. */
import { SoftErrorText } from '../errors/soft-error-text.tsx'
import type { Connection } from '../stomp/connection.ts'
import { Notice } from '../ui/notice.tsx'
import { formatCount, formatTime } from '../ui/format.ts'

export function RefusedSends({ connection }: { readonly connection: Connection }) {
  const { softErrors, pulse } = connection
  void pulse.beat.value
  const { sends, sendCount } = softErrors
  if (sends.length === 0) return null
  const dismiss = () => {
    softErrors.clear()
    pulse.mark()
  }
  return (
    <Notice kind="error" onDismiss={dismiss}>
      <p class="soft-head">
        {sendCount === 1
          ? 'The last message was refused. The session goes on.'
          : `${formatCount(sendCount)} messages were refused. The session goes on.`}
      </p>
      <ul class="soft-list">
        {sends.map((error) => (
          <li key={error.atMs}>
            <span class="tabular soft-time">{formatTime(error.atMs)}</span> <SoftErrorText error={error} />
          </li>
        ))}
      </ul>
    </Notice>
  )
}
