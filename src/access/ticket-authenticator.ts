/** Lets in who shows a ticket. */
import type { Authenticator, Credentials, Verdict } from './authenticator.ts'
import type { Tickets } from './tickets.ts'

export class TicketAuthenticator implements Authenticator {
  readonly type = 'ticket'
  readonly #tickets: Tickets

  constructor(tickets: Tickets) {
    this.#tickets = tickets
  }

  authenticate({ token }: Credentials): Verdict | Promise<Verdict> {
    if (token === undefined || !this.#tickets.isTicket(token)) return 'not-mine'
    return this.#tickets.redeem(token).then((identity) => identity ?? 'refused')
  }
}
