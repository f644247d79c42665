/** More of what went wrong than one sentence: the ERROR's body, the frame that it is about, and what can be done. */
import { Command } from '../../frames/index.ts'
import type { Connection } from '../stomp/connection.ts'
import { causeWords } from '../stomp/refusal.ts'
import { Button } from '../ui/button.tsx'

export interface RefusalDetailsProps {
  readonly connection: Connection
  readonly onConnect: () => void
  /** Shows a record in the console, by its number; undefined where there is none. */
  readonly onShow?: ((seq: number) => void) | undefined
}

export function RefusalDetails({ connection, onConnect, onShow }: RefusalDetailsProps) {
  const refusal = connection.refusal.value
  const isStopped = connection.isRefusedAgain.value
  const { remedies } = connection
  if (!refusal && !isStopped && remedies.length === 0) return null
  const frame = refusal?.cause?.frame
  // Before the session there is only CONNECT.
  const cause = refusal && frame?.command !== Command.CONNECT ? causeWords(refusal) : undefined
  return (
    <div class="refusal">
      {refusal && refusal.details !== '' && <Body text={refusal.details} />}
      {isStopped && (
        <p>
          <strong>Refused twice in a row for the same reason</strong>
          {refusal?.code !== undefined && (
            <>
              {' '}
              (<code>{refusal.code}</code>)
            </>
          )}
          : it is not tried again by itself.
        </p>
      )}
      {cause !== undefined && (
        <p class="refusal-cause">
          <span>{cause}</span>
          {onShow && frame && connection.isKept(frame.seq) && (
            <Button kind="quiet" onClick={() => onShow(frame.seq)}>
              Show {frame.command}
            </Button>
          )}
        </p>
      )}
      {isStopped && <NextSteps connection={connection} onConnect={onConnect} />}
      {remedies.length > 0 && (
        <div class="refusal-steps">
          {remedies.map((remedy) => (
            <Button
              key={remedy.text}
              onClick={() => {
                connection.apply(remedy)
                onConnect()
              }}
            >
              {remedy.text}
            </Button>
          ))}
        </div>
      )}
    </div>
  )
}

/** Some servers send the whole trace of their stack. */
function Body({ text }: { readonly text: string }) {
  return text.includes('\n') ? (
    <pre class="refusal-body mono" role="region" aria-label="Body of the ERROR" tabIndex={0}>
      {text}
    </pre>
  ) : (
    <p class="refusal-body mono">{text}</p>
  )
}

function NextSteps({ connection, onConnect }: Omit<RefusalDetailsProps, 'onShow'>) {
  const { command, id } = connection.refusal.value?.cause?.frame ?? {}
  const entry =
    command === Command.SUBSCRIBE ? connection.subscriptions.value.find((each) => each.id === id) : undefined
  return (
    <div class="refusal-steps">
      <Button onClick={onConnect}>Try again</Button>
      {entry && (
        <Button
          onClick={() => {
            connection.unsubscribe(entry)
            onConnect()
          }}
        >
          Try again without this subscription
        </Button>
      )}
    </div>
  )
}
