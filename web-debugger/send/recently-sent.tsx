/** What was sent before, to fill in again with a click. */
import type { Draft } from '../stomp/message-form.ts'
import { MASK, RENEW_DESTINATION } from '../stomp/secrets.ts'
import type { Sender } from '../stomp/sender.ts'
import { announce } from '../ui/announce.ts'
import { Icon } from '../ui/icon.tsx'

export function RecentlySent({ sender }: { readonly sender: Sender }) {
  const drafts = sender.recent.value
  if (drafts.length === 0) return null
  return (
    <details class="more">
      <summary>
        <Icon name="chevron" />
        Recently sent ({drafts.length})
      </summary>
      <ul class="recent-list">
        {drafts.map((draft, index) => (
          <li key={index}>
            <button
              type="button"
              class="recent-item"
              onClick={() => {
                sender.fill(draft)
                announce('Filled in')
              }}
            >
              <span class="mono">{draft.destination || 'message'}</span>
              <span class="recent-body mono">{summaryOf(draft)}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  )
}

function summaryOf(draft: Draft): string {
  if (draft.destination.trim() === RENEW_DESTINATION) return MASK
  if (draft.bodyKind === 'file') return draft.file?.name ?? ''
  return draft.text.slice(0, 120).replace(/\s+/g, ' ') || 'empty body'
}
