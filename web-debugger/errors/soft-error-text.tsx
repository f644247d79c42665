/** An error with which the session goes on, in words: code, text, where it wanted to go, receipt, when to try again. */
import type { SoftError } from '../stomp/soft-errors.ts'

export function SoftErrorText({ error }: { readonly error: SoftError }) {
  const { code, text, destination, receipt, retryAfter } = error
  const facts = [
    destination !== undefined && !text.includes(destination) ? destination : undefined,
    receipt === undefined ? undefined : `the receipt ${receipt} will not come`,
    retryAfter === undefined || text.includes(`${retryAfter} s`) ? undefined : `try again in ${retryAfter} s`,
  ].filter((fact) => fact !== undefined)
  return (
    <>
      <code class="soft-code">{code}</code> {text || 'Refused, without a text'}
      {facts.length > 0 && <span class="soft-facts"> ({facts.join('; ')})</span>}
    </>
  )
}
