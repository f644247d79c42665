/** The help on each command that has options of its own. */
import type { HelpTopic } from './command-line.ts'

/** What both commands take that are clients. */
const THE_SERVER = `The server:
  URL                   ws://host/stomp; host:8080 alone is ws://host:8080/stomp
  --profile FILE        in place of a URL: profiles that the web debugger has exported, or the link
                        to a connection that it has made
  --profile-name NAME   which one of the file
  --login NAME          with the passcode in the variable STOMP_PASSCODE
  --vhost HOST          the virtual host; RabbitMQ usually wants /
  --connect-header 'name: value'
                        another header of CONNECT; repeat it for more
  A token goes into the variable STOMP_TOKEN, and into CONNECT as Authorization: Bearer.
`

/** By topic; `settings` is made from the schema, and is not among them. */
export const HELP_ON: Readonly<Record<Exclude<HelpTopic, 'settings'>, string>> = {
  explain: `stomp-bridge explain [--user NAME [--groups A,B] [--claims JSON]] ACTION DESTINATION

Says which of access.rules decides whether somebody may subscribe or send.

  ACTION         subscribe or send
  DESTINATION    as the client writes it, for subscribe also a pattern
  --user NAME    who; without it, a client that is not authenticated
  --groups A,B   the groups of the user
  --claims JSON  the claims of the user, as an object

Exit code: 0 allowed, 1 denied, 2 wrong usage.

  stomp-bridge explain --user alice --groups staff subscribe '/topic/rooms/**'
  stomp-bridge explain --user bob --claims '{"role": "admin"}' send /app/orders
`,
  'check-token': `stomp-bridge check-token [TOKEN]

Says which of access.authenticators accepts a token, as whom, and until when, or why it is refused.
It asks those with type: jwt and type: callback, which asks your service as for a login. Without
TOKEN it reads one line from standard input, which keeps the token out of the history of the shell
and the list of processes. Tickets cannot be checked: that would use them up. Whether a token is
revoked is not looked up.

Exit code: 0 accepted, 1 refused, 2 it cannot be told.
`,
  'gen-token': `stomp-bridge gen-token --user NAME [--groups A,B] [--claims JSON] [--ttl SECONDS]

Signs a JWT for trying: with the secret of the first of access.authenticators that has one, and
with its issuer and audience. It is good for an hour unless --ttl says otherwise. The bridge never
holds the private keys of RS, PS, ES and EdDSA, so it cannot sign with these.

  TOKEN=$(stomp-bridge gen-token --user alice --groups staff)
  curl -N -H "Authorization: Bearer $TOKEN" http://localhost:8080/sse/topic/greetings
`,
  'gen-api-key': `stomp-bridge gen-api-key [NAME]

Prints a new random key for the HTTP API, its SHA-256 digest, and the line for access.apiKeys. The
configuration then has the digest only, so nobody who reads it can use the key. Edit the scopes of
the line: publish, read, tickets, admin.
`,
  'hash-password': `stomp-bridge hash-password

Reads a password from standard input, one line, and prints what goes into passwordHash of an
authenticator with type: users. On a terminal the password does not show.

  stomp-bridge hash-password
  printf %s "$PASSWORD" | stomp-bridge hash-password
`,
  tail: `stomp-bridge tail URL DESTINATION... [options]

Prints the body of each message, with a line end. It speaks STOMP over WebSocket with any server,
and reconnects. Everything else is on standard error. Ctrl+C ends it.

  --since WHEN          where a history is kept, begin there: an age such as 30s, 10m, 2h or 7d, a
                        time such as 2026-01-31T12:00:00Z, or EPOCH/OFFSET of a message
  --last N              where a history is kept, begin with the newest N messages
  -n, --count N         end after N messages
  --timeout SECONDS     end after this time; with --count that is a failure
  --json                print one object per line: receivedAt, destination, headers, body; a body
                        that is no text is in bodyBase64
  -v, --verbose         print time, destination, size and headers too
  --ack                 acknowledge each message when it is printed: this takes it from a work queue
  -H, --header 'name: value'
                        another header of SUBSCRIBE; repeat it for more

${THE_SERVER}
Exit code: 0 done, 1 refused by the server, 2 wrong usage, 3 no connection, or not in time.

  stomp-bridge tail localhost:8080 /topic/greetings
  stomp-bridge tail wss://example.com/stomp '/topic/prices.*' --json | jq .body
  stomp-bridge tail localhost:8080 /topic/chat --since 10m --count 1 --timeout 5
  STOMP_PASSCODE=guest stomp-bridge tail ws://localhost:15674/ws /queue/jobs --login guest --vhost /
`,
  send: `stomp-bridge send URL DESTINATION [BODY] [options]

Sends a message, and waits for the receipt of the server. Without BODY, or with -, the message is
what standard input has.

  --lines               each line of standard input is a message; up to 64 are on their way at once
  -H, --header 'name: value'
                        another header of SEND; repeat it for more
  --content-type TYPE   the same as --header 'content-type: TYPE'
  --timeout SECONDS     longest time for the connection, and for each receipt (default: 15)

${THE_SERVER}
Exit code: 0 confirmed, 1 refused by the server, 2 wrong usage, 3 no connection, or not in time.

  stomp-bridge send localhost:8080 /topic/greetings 'Hello'
  stomp-bridge send localhost:8080 /app/orders --content-type application/json < order.json
  stomp-bridge send localhost:8080 /queue/jobs --lines < jobs.txt
`,
  healthcheck: `stomp-bridge healthcheck [PROBE]

Asks the bridge on this machine how it is, at the port of the configuration that it runs with: give
both the same file, options and environment. For containers and supervisors.

  PROBE          health: the process is alive (the default); ready: Redis can be used too

Exit code: 0 yes, 1 no, or nobody answers within 2.5 seconds, 2 it cannot be told.
`,
}
