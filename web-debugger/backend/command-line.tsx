/** Folds away a command that does the same from a terminal. */
import { CopyButton } from '../ui/copy-button.tsx'

export interface CommandLineProps {
  readonly title: string
  readonly command: string
  /** Not folded at first. */
  readonly isOpen?: boolean
}

export function CommandLine({ title, command, isOpen = false }: CommandLineProps) {
  return (
    <details class="command-line" open={isOpen}>
      <summary>{title}</summary>
      <div class="command-box">
        <pre>{command}</pre>
        <CopyButton label="Copy command" text={() => command} />
      </div>
    </details>
  )
}
