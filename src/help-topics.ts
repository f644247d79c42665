/** The help on each command around `access`. */
import type { HelpTopic } from './command-line.ts'

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
}
