/**
 * The tour as a card in a corner of the page. Not a modal dialog: the page behind it is what the tour shows. Escape
 * leaves it while the focus is inside.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { CommandLine } from '../backend/command-line.tsx'
import { announce } from '../ui/announce.ts'
import { Breakable } from '../ui/breakable.tsx'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import type { TourFlow, TourStep } from './flows.ts'
import type { Tour } from './tour.ts'

export function TourCard({ tour }: { readonly tour: Tour }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const flow = tour.flow.value
  const isOpen = tour.isOpen.value
  useEffect(() => {
    if (!isOpen) return
    const opener = document.activeElement
    return () => {
      // Back to where the tour was opened from, unless the reader has moved on.
      if (document.activeElement === document.body && opener instanceof HTMLElement) opener.focus()
    }
  }, [isOpen])
  useEffect(() => {
    if (isOpen) heading.current?.focus()
  }, [isOpen, flow?.id])
  if (!isOpen) return null
  return (
    <aside
      class="tour"
      aria-label="Guided tour"
      onKeyDown={(event) => {
        if (event.key === 'Escape') tour.leave()
      }}
    >
      <header class="tour-head">
        <h2 ref={heading} tabIndex={-1}>
          {flow ? flow.title : 'Three flows in a minute'}
        </h2>
        <Button kind="quiet" title="Leave the tour" onClick={() => tour.leave()}>
          <Icon name="close" />
        </Button>
      </header>
      {flow ? <FlowSteps key={flow.id} tour={tour} flow={flow} /> : <FlowChoice tour={tour} />}
    </aside>
  )
}

function FlowChoice({ tour }: { readonly tour: Tour }) {
  const finished = tour.finished.value
  return (
    <div class="tour-body">
      <p class="muted">Each takes a few clicks, and every step really happens on this bridge.</p>
      <ol class="tour-choice">
        {tour.flows.value.map((flow) => (
          <li key={flow.id}>
            <button type="button" class="tour-flow" onClick={() => tour.begin(flow.id)}>
              <span class="tour-flow-title">
                {flow.title}
                {finished.has(flow.id) && (
                  <span class="tour-done">
                    <Icon name="check" /> done
                  </span>
                )}
              </span>
              <span class="muted">{flow.summary}</span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  )
}

function FlowSteps({ tour, flow }: { readonly tour: Tour; readonly flow: TourFlow }) {
  const isDone = flow.isDone.value
  const current = isDone ? flow.steps.length : flow.steps.findIndex((step) => !step.isDone.value)
  const flows = tour.flows.value
  const next = flows.find((each) => !tour.finished.value.has(each.id))
  const primary = useRef<HTMLDivElement>(null)
  const wasAt = useRef(current)
  useEffect(() => {
    if (wasAt.current === current) return
    wasAt.current = current
    announce(isDone ? `Done. ${flow.outcome}` : `Next step: ${flow.steps[current]?.title ?? ''}`)
    // The button that had the focus is gone with its step; whoever works elsewhere on the page is left there.
    if (document.activeElement === document.body) {
      const find = (selector: string) => primary.current?.querySelector<HTMLElement>(selector)
      ;(find('.button-primary') ?? find('.button'))?.focus()
    }
  }, [current])
  return (
    <div class="tour-body" ref={primary}>
      <ol class="tour-path" aria-label="The way of the message">
        {flow.path.map(({ name, detail }) => (
          <li key={name}>
            <strong>{name}</strong>
            <code>
              <Breakable text={detail} />
            </code>
          </li>
        ))}
      </ol>
      <ol class="tour-steps">
        {flow.steps.map((step, index) => (
          <Step
            key={index}
            step={step}
            number={index + 1}
            isCurrent={index === current}
            isDone={index < current || step.isDone.value}
          />
        ))}
      </ol>
      {isDone && (
        <div class="tour-outcome">
          <p>
            <Icon name="success" /> <strong>There it is.</strong> {flow.outcome}
          </p>
          {flow.arrived.value !== undefined && <pre>{flow.arrived.value}</pre>}
        </div>
      )}
      <footer class="tour-foot">
        <Button kind="quiet" onClick={() => tour.begin(undefined)}>
          All flows
        </Button>
        {isDone && (
          <Button kind="quiet" onClick={() => tour.begin(flow.id)}>
            Once more
          </Button>
        )}
        {isDone &&
          (next ? (
            <Button kind="primary" onClick={() => tour.begin(next.id)}>
              Next: {next.title}
            </Button>
          ) : (
            <Button kind="primary" onClick={() => tour.leave()}>
              Finish
            </Button>
          ))}
      </footer>
    </div>
  )
}

interface StepProps {
  readonly step: TourStep
  readonly number: number
  readonly isCurrent: boolean
  readonly isDone: boolean
}

function Step({ step, number, isCurrent, isDone }: StepProps) {
  const problem = useSignal<string | undefined>(undefined)
  const isBusy = useSignal(false)
  const { title, text, action, command, confirm } = step
  const run = async () => {
    isBusy.value = true
    problem.value = await action?.run()
    isBusy.value = false
  }
  return (
    <li class={`tour-step ${isDone ? 'is-done' : ''}`} aria-current={isCurrent ? 'step' : undefined}>
      <span class="tour-number" aria-hidden="true">
        {isDone ? <Icon name="check" /> : number}
      </span>
      <div class="tour-step-body">
        <p class="tour-step-title">
          {title}
          {isDone && <span class="visually-hidden"> (done)</span>}
        </p>
        {isCurrent && (
          <>
            <p class="muted">{text}</p>
            <div class="tour-actions">
              {action && (
                <Button kind="primary" disabled={isBusy.value} onClick={() => void run()}>
                  {action.label}
                </Button>
              )}
              {confirm && <Button onClick={confirm}>Done, I am watching</Button>}
            </div>
            {problem.value !== undefined && <Notice kind="error">{problem.value}</Notice>}
            {command !== undefined && <CommandLine title="From a terminal" command={command} isOpen={!action} />}
          </>
        )}
      </div>
    </li>
  )
}
