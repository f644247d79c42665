/** What a connection is subscribed to: colour, messages so far and a second, mute, unsubscribe. */
import { useSignal, type Signal } from '@preact/signals'
import type { Connection } from '../stomp/connection.ts'
import { NO_HISTORY, type SubscriptionEntry } from '../stomp/subscriptions.ts'
import { SoftErrorText } from '../errors/soft-error-text.tsx'
import { useSeconds } from '../connections/use-seconds.ts'
import { Button } from '../ui/button.tsx'
import { formatCount, formatRate } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { MiddleCut } from '../ui/middle-cut.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { groupByPrefix, searchSubscriptions, type SubscriptionGroup } from './subscription-groups.ts'

/** So many counts are drawn once a second, and not with every message. */
const MANY = 40

/** From so many on they can be searched and grouped. */
const SEARCHED = 8

export interface SubscriptionListProps {
  readonly connection: Connection
  readonly isGrouped: Signal<boolean>
}

export function SubscriptionList({ connection, isGrouped }: SubscriptionListProps) {
  const text = useSignal('')
  const entries = connection.subscriptions.value
  const now = useSeconds(entries.length > 0)
  if (entries.length === 0) return null
  const isSearched = entries.length >= SEARCHED
  const isSearching = isSearched && text.value.trim() !== ''
  const found = isSearched ? searchSubscriptions(entries, text.value) : entries
  const props = { connection, now, isLive: entries.length <= MANY }
  return (
    <>
      {isSearched && (
        <div class="subscription-tools">
          <TextInput label="Search subscriptions" hideLabel value={text} placeholder="Search subscriptions" />
          <Button kind="quiet" pressed={isGrouped.value} onClick={() => (isGrouped.value = !isGrouped.value)}>
            Group
          </Button>
        </div>
      )}
      {found.length < entries.length && (
        <p class="field-hint" role="status">
          {found.length === 0
            ? 'No subscription fits'
            : `${formatCount(found.length)} of ${formatCount(entries.length)}`}
        </p>
      )}
      {isSearched && isGrouped.value ? (
        <div class="subscription-groups">
          {groupByPrefix(found).map((group) => (
            // What fits is in sight at once: with a search, and again without, the groups begin anew.
            <GroupOfSubscriptions key={`${isSearching} ${group.prefix}`} {...{ group, isSearching }} {...props} />
          ))}
        </div>
      ) : (
        <ul class="subscription-list" aria-label="Subscriptions">
          {found.map((entry) => (
            <SubscriptionItem key={entry.id} entry={entry} {...props} />
          ))}
        </ul>
      )}
    </>
  )
}

type Shared = Omit<SubscriptionItemProps, 'entry'>

interface GroupProps extends Shared {
  readonly group: SubscriptionGroup
  readonly isSearching: boolean
}

function GroupOfSubscriptions({ group, isSearching, ...props }: GroupProps) {
  const isOpen = useSignal(isSearching)
  const { prefix, entries } = group
  return (
    <section>
      <button
        type="button"
        class="subscription-group"
        aria-expanded={isOpen.value}
        aria-label={`${prefix} ${formatCount(entries.length)}`}
        title={prefix}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        <Icon name="chevron" />
        <span class="subscription-destination mono">
          <MiddleCut text={prefix} />
        </span>{' '}
        <span class="subscription-facts tabular">{formatCount(entries.length)}</span>
      </button>
      {isOpen.value && (
        <ul class="subscription-list" aria-label={`Subscriptions of ${prefix}`}>
          {entries.map((entry) => (
            <SubscriptionItem key={entry.id} entry={entry} {...props} />
          ))}
        </ul>
      )}
    </section>
  )
}

interface SubscriptionItemProps {
  readonly entry: SubscriptionEntry
  readonly connection: Connection
  readonly now: number
  /** Does it count with every message? */
  readonly isLive: boolean
}

function SubscriptionItem({ entry, connection, now, isLive }: SubscriptionItemProps) {
  // Here and not in the list: an item whose props are as before is drawn only for signals of its own.
  if (isLive) void connection.pulse.beat.value
  const { destination, id, ack, isMuted, isActive, hue } = entry
  const perSecond = entry.rate.perSecond(now)
  const refusal = entry.refusal.value
  const isWaiting = !isActive.value && !refusal
  return (
    <li class="subscription" data-hue={hue} data-muted={isMuted.value || undefined} data-refused={refusal && ''}>
      <span class="subscription-colour" aria-hidden="true" />
      <div class="subscription-text">
        <span class="subscription-destination mono" title={destination}>
          <MiddleCut text={destination} />
        </span>
        <span class="subscription-facts tabular">
          {refusal && <strong class="subscription-refused">Refused</strong>}
          {refusal
            ? null
            : isWaiting
              ? 'waits for the connection'
              : `${formatCount(entry.count)} ${entry.count === 1 ? 'message' : 'messages'}`}
          {!isWaiting && !refusal && perSecond > 0 && `, ${formatRate(perSecond)}/s`}
          <span class="subscription-id">
            {id}
            {ack !== 'auto' && `, ${ack}`}
          </span>
        </span>
        {!isWaiting && !refusal && <SubscriptionPlace entry={entry} />}
      </div>
      <Button
        kind="quiet"
        pressed={isMuted.value}
        title={isMuted.value ? 'Show its messages in the console again' : 'Leave its messages out of the console'}
        onClick={() => (isMuted.value = !isMuted.value)}
      >
        Mute
        <span class="visually-hidden"> {destination}</span>
      </Button>
      <Button kind="quiet" title={`Unsubscribe ${destination}`} onClick={() => connection.unsubscribe(entry)}>
        <Icon name="close" />
      </Button>
      {refusal && (
        <div class="subscription-refusal" role="alert">
          <p>
            <SoftErrorText error={refusal} />
          </p>
          <Button kind="quiet" title={`Subscribe ${destination} again`} onClick={() => connection.retry(entry)}>
            Try again
          </Button>
        </div>
      )}
    </li>
  )
}

/** Where it is in the history of its destination. */
function SubscriptionPlace({ entry }: { readonly entry: SubscriptionEntry }) {
  if (entry.askRefusal !== undefined) {
    const why = entry.askRefusal === NO_HISTORY ? 'no history here' : 'what was asked for was refused'
    return <span class="subscription-place is-gap">{why}: only what is new</span>
  }
  const text = entry.placeText
  if (text === undefined) return null
  return <span class={entry.hasGap ? 'subscription-place tabular is-gap' : 'subscription-place tabular'}>{text}</span>
}
