/** Says that the URL holds a ticket, and what that means; that it is used up, where it is. */
import type { Connection } from '../stomp/connection.ts'
import { ticketIn, withoutTicket } from '../stomp/credential.ts'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'

export function TicketNote({ connection }: { readonly connection: Connection }) {
  const { url } = connection.profile
  const ticket = ticketIn(url.value)
  if (ticket === undefined) return null
  const isUsed = ticket === connection.usedTicket.value
  return (
    <Notice kind={isUsed ? 'warning' : 'info'}>
      {isUsed ? (
        <>
          <strong>The ticket in the URL has been used.</strong> A ticket opens one connection only. Get a new one, and
          put it into the URL.
        </>
      ) : (
        <>
          <strong>The URL holds a ticket.</strong> It says who you are and opens one connection, within about a minute.
          Login, passcode and token are not looked at. It is never saved, nor part of a link.
        </>
      )}
      <div class="notice-action">
        <Button kind="quiet" onClick={() => (url.value = withoutTicket(url.value))}>
          Take it out
        </Button>
      </div>
    </Notice>
  )
}
