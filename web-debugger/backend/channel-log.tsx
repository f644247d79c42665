/** Watches channels live: which ones, how each is doing, and what was published there, newest last. */
import { useSignal, useSignalEffect, type Signal } from '@preact/signals'
import type { BridgeWatch } from '../api/bridge-watch.ts'
import type { ChannelMessage } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Icon } from '../ui/icon.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { VirtualList } from '../ui/virtual-list.tsx'
import type { ChannelWatch, WatchedChannel } from './channel-watch.ts'
import { decodePayload, prettyPayload } from './payload.ts'
import { fixedChannels, matchChannel } from './route-match.ts'

const ROW_HEIGHT = 32

const STATES = {
  connecting: { kind: 'neutral', text: 'opening' },
  live: { kind: 'good', text: 'live' },
  unavailable: { kind: 'warn', text: 'waiting' },
  refused: { kind: 'bad', text: 'refused' },
} as const

export interface ChannelLogProps {
  readonly channels: ChannelWatch
  readonly watch: BridgeWatch
}

export function ChannelLog({ channels, watch }: ChannelLogProps) {
  const name = useSignal('')
  const routes = watch.bridge.value?.routes ?? []
  const outbound = fixedChannels(routes, 'outbound')
  const proposals = [...new Set([...outbound, ...fixedChannels(routes, 'inbound')])]
  const watched = channels.channels.value
  const add = (channel: string) => {
    if (channel.trim() === '') return
    channels.watch(channel.trim())
    name.value = ''
  }
  return (
    <div class="channel-log">
      <div class="watch-form">
        <TextInput
          label="Channel to watch"
          hideLabel
          value={name}
          list={proposals}
          placeholder="Name of a channel"
          mono
          onEnter={() => add(name.value)}
        />
        <Button disabled={name.value.trim() === ''} onClick={() => add(name.value)}>
          <Icon name="plus" /> Watch
        </Button>
      </div>
      {watched.length > 0 && (
        <ul class="watched" aria-label="Watched channels">
          {watched.map((entry) => (
            <WatchedRow key={entry.channel} entry={entry} onStop={() => channels.unwatch(entry.channel)} />
          ))}
        </ul>
      )}
      {watched.length === 0 && channels.version.value === 0 ? (
        <EmptyState
          title="Watch a channel"
          text="See what goes to backends, as they would see it: every message on the channel appears here at once."
        >
          {outbound.slice(0, 3).map((channel) => (
            <Button key={channel} kind="primary" onClick={() => add(channel)}>
              Watch {channel}
            </Button>
          ))}
        </EmptyState>
      ) : (
        <Messages channels={channels} watch={watch} />
      )}
    </div>
  )
}

function WatchedRow({ entry, onStop }: { readonly entry: WatchedChannel; readonly onStop: () => void }) {
  const { channel, state, reason, messages, dropped } = entry
  const { kind, text } = STATES[state.value]
  return (
    <li class="watched-row">
      <Badge kind={kind}>{text}</Badge>
      <code class="watched-name" title={channel}>
        {channel}
      </code>
      <span class="muted tabular watched-count">
        {messages.value.toLocaleString('en')} {messages.value === 1 ? 'message' : 'messages'}
        {dropped.value > 0 && `, ${dropped.value.toLocaleString('en')} too fast to show`}
      </span>
      <Button kind="quiet" title={`Stop watching ${channel}`} onClick={onStop}>
        <Icon name="close" />
      </Button>
      {reason.value !== '' && <p class="watched-reason">{reason.value}</p>}
    </li>
  )
}

function Messages({ channels, watch }: ChannelLogProps) {
  const isFollowing = useSignal(true)
  const selectedIndex = useSignal<number | undefined>(undefined)
  const selected = useSignal<ChannelMessage | undefined>(undefined)
  useSignalEffect(() => {
    // The rows have moved; the message in the detail has not.
    if (channels.forgotten.value >= 0) selectedIndex.value = undefined
  })
  const isEmpty = channels.version.value >= 0 && channels.messages.length === 0
  return (
    <>
      <div class="messages-head">
        <span class="muted" aria-live="polite">
          {isEmpty
            ? 'No messages yet'
            : `${channels.messages.length.toLocaleString('en')} ${channels.messages.length === 1 ? 'message' : 'messages'}` +
              (channels.forgotten.value > 0
                ? `, ${channels.forgotten.value.toLocaleString('en')} older forgotten`
                : '')}
        </span>
        <span class="messages-actions">
          {!isEmpty && !isFollowing.value && (
            <Button kind="quiet" onClick={() => (isFollowing.value = true)}>
              Follow
            </Button>
          )}
          <Button
            kind="quiet"
            disabled={isEmpty}
            onClick={() => {
              selected.value = undefined
              selectedIndex.value = undefined
              channels.clear()
            }}
          >
            Clear
          </Button>
        </span>
      </div>
      {isEmpty ? (
        <EmptyState title="Listening" text={listeningText(channels, watch)} />
      ) : (
        <div class="messages-list">
          <VirtualList
            items={channels.messages}
            cut={channels.forgotten.value}
            version={channels.version.value}
            rowHeight={ROW_HEIGHT}
            label="Messages on the watched channels"
            isFollowing={isFollowing}
            selectedIndex={selectedIndex}
            onSelect={(index) => (selected.value = channels.messages[index])}
            renderRow={(message) => (
              <div class="message-row">
                <MessageTime at={message.at} />
                <code class="message-channel">{message.channel}</code>
                <code class="message-payload">{message.payload}</code>
              </div>
            )}
          />
        </div>
      )}
      <MessageDetail message={selected} watch={watch} />
    </>
  )
}

function MessageDetail({ message, watch }: { message: Signal<ChannelMessage | undefined>; watch: BridgeWatch }) {
  if (!message.value) return null
  const { channel, payload, encoding, isCut, at } = message.value
  const routes = watch.bridge.value?.routes ?? []
  const route = matchChannel(routes, 'outbound', channel) ?? matchChannel(routes, 'inbound', channel)
  const read = route && encoding === 'text' && !isCut ? decodePayload(route.route.codec, payload) : undefined
  return (
    <div class="message-detail" role="region" aria-label="Selected message">
      <header>
        <code>{channel}</code>
        <span class="muted">{new Date(at).toLocaleString()}</span>
        <span class="messages-actions">
          <CopyButton label="Copy payload" text={() => payload} />
          <Button kind="quiet" title="Close message" onClick={() => (message.value = undefined)}>
            <Icon name="close" />
          </Button>
        </span>
      </header>
      <p class="field-label">
        Payload{encoding === 'base64' && ', octets that are no text, in base64'}
        {isCut && ', cut at 64 KiB'}
      </p>
      <pre>{encoding === 'text' ? prettyPayload(payload) : payload}</pre>
      {read && (
        <>
          <p class="field-label">Read as {route?.route.codec}</p>
          {'body' in read ? <pre>{read.body}</pre> : <p class="muted">Cannot be read so. {read.problem}</p>}
        </>
      )}
    </div>
  )
}

/** How to make something appear. */
function listeningText({ channels }: ChannelWatch, { bridge }: BridgeWatch): string {
  const matches = channels.value.map(({ channel }) => matchChannel(bridge.value?.routes ?? [], 'outbound', channel))
  const match = matches.find((each) => each !== undefined)
  return match
    ? `Send a message to ${match.destination} in the Client view: it appears here.`
    : 'Whatever is published on the channel appears here.'
}

function MessageTime({ at }: { readonly at: number }) {
  const time = new Date(at)
  const digits = (value: number, length = 2) => String(value).padStart(length, '0')
  return (
    <time class="tabular" dateTime={time.toISOString()}>
      {digits(time.getHours())}:{digits(time.getMinutes())}:{digits(time.getSeconds())}
      <span class="message-ms">.{digits(time.getMilliseconds(), 3)}</span>
    </time>
  )
}
