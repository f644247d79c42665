/** Every setting of a connection, by subject. Changes count from the next time that somebody connects. */
import type { Connection } from '../stomp/connection.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { HeaderRows } from '../ui/header-rows.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'

export function ConnectionSettings({ connection }: { readonly connection: Connection }) {
  const { profile } = connection
  const isStomp = profile.mode.value === 'stomp'
  return (
    <form class="settings" onSubmit={(event) => event.preventDefault()}>
      <ProtocolSettings connection={connection} />
      {isStomp && <SignInSettings connection={connection} />}
      {isStomp && (
        <fieldset class="settings-group settings-wide">
          <legend>More CONNECT headers</legend>
          <HeaderRows label="CONNECT headers" rows={profile.headers} hint="Paste a JSON object to fill in several." />
        </fieldset>
      )}
      <LastingSettings connection={connection} />
    </form>
  )
}

function ProtocolSettings({ connection }: { readonly connection: Connection }) {
  const { profile, problems } = connection
  const isStomp = profile.mode.value === 'stomp'
  return (
    <fieldset class="settings-group">
      <legend>Protocol</legend>
      <Select
        label="What to speak"
        value={profile.mode}
        options={[
          { value: 'stomp', text: 'STOMP' },
          { value: 'raw', text: 'Plain WebSocket, no STOMP' },
        ]}
      />
      {isStomp && (
        <Select
          label="STOMP version"
          value={profile.version}
          options={[
            { value: 'all', text: '1.2, 1.1 or 1.0: the best both know' },
            { value: '1.2', text: '1.2 only' },
            { value: '1.1', text: '1.1 only' },
            { value: '1.0', text: '1.0 only' },
          ]}
        />
      )}
      <Checkbox
        label="SockJS"
        value={profile.isSockJs}
        hint="As sockjs-client connects, over a WebSocket. This bridge knows it if doors.sockjs is on."
      />
      {!profile.isSockJs.value && (
        <Select
          label="WebSocket sub-protocol"
          value={profile.subProtocol}
          hint={isStomp ? 'Old servers, and some proxies, want none.' : undefined}
          options={[
            { value: 'match', text: isStomp ? 'Offer those of the versions' : 'As usual: none' },
            { value: 'none', text: 'None' },
            { value: 'custom', text: 'Others' },
          ]}
        />
      )}
      {!profile.isSockJs.value && profile.subProtocol.value === 'custom' && (
        <TextInput
          label="Sub-protocols, best first"
          value={profile.customSubProtocols}
          error={problems.value.customSubProtocols}
          placeholder="v12.stomp, v11.stomp"
          mono
        />
      )}
    </fieldset>
  )
}

function SignInSettings({ connection }: { readonly connection: Connection }) {
  const { profile, problems } = connection
  const place = profile.tokenPlace.value
  return (
    <fieldset class="settings-group">
      <legend>Sign-in</legend>
      <div class="settings-pair">
        <TextInput label="Login" value={profile.login} />
        <TextInput label="Passcode" value={profile.passcode} type="password" />
      </div>
      <TextInput label="Token" value={profile.token} type="password" mono />
      {profile.token.value !== '' && (
        <>
          <Select
            label="The token goes into"
            value={profile.tokenPlace}
            options={[
              { value: 'bearer', text: 'Authorization: Bearer …' },
              { value: 'header', text: 'Another CONNECT header' },
              { value: 'query', text: 'The URL, as a parameter' },
            ]}
          />
          {place !== 'bearer' && (
            <TextInput
              label={place === 'header' ? 'Header name' : 'Parameter name'}
              value={profile.tokenName}
              error={problems.value.tokenName}
              hint={
                place === 'query'
                  ? 'This bridge reads access_token. Servers and proxies may log URLs: use a ticket where that matters.'
                  : undefined
              }
              mono
            />
          )}
        </>
      )}
      <TextInput
        label="Virtual host"
        value={profile.host}
        placeholder="the host of the URL"
        hint="The host header. RabbitMQ wants its virtual host, mostly /"
        mono
      />
    </fieldset>
  )
}

function LastingSettings({ connection }: { readonly connection: Connection }) {
  const { profile, problems } = connection
  return (
    <fieldset class="settings-group settings-wide">
      <legend>Staying connected</legend>
      {profile.mode.value === 'stomp' && (
        <div class="settings-pair">
          <TextInput
            label="Heart-beats we send, ms"
            value={profile.heartBeatOutMs}
            type="number"
            error={problems.value.heartBeatOutMs}
            hint="0 for none"
          />
          <TextInput
            label="Heart-beats we want, ms"
            value={profile.heartBeatInMs}
            type="number"
            error={problems.value.heartBeatInMs}
            hint="0 for none"
          />
        </div>
      )}
      {profile.mode.value === 'stomp' && (
        <Checkbox
          label="Soft errors (errors: soft)"
          value={profile.hasSoftErrors}
          hint="What is not allowed, or too often, is told on /user/queue/errors, and the session goes on. This bridge knows it; other servers may not."
        />
      )}
      <Checkbox
        label="Reconnect when the connection is lost"
        value={profile.isReconnecting}
        hint="After 1 s, then twice as long each time, up to 30 s."
      />
    </fieldset>
  )
}
