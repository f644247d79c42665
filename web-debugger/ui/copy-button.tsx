/** Copies a text and says that it did. */
import { useSignal } from '@preact/signals'
import { announce } from './announce.ts'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'

const SAY_COPIED_MS = 1500

export interface CopyButtonProps {
  readonly text: () => string
  readonly label: string
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const result = useSignal<'copied' | 'failed' | undefined>(undefined)
  const copy = async () => {
    result.value = (await writeClipboard(text())) ? 'copied' : 'failed'
    announce(result.value === 'copied' ? 'Copied' : 'Copying failed: select the text and copy it yourself')
    setTimeout(() => (result.value = undefined), SAY_COPIED_MS)
  }
  return (
    <Button kind="quiet" onClick={() => void copy()}>
      <Icon name={result.value === 'copied' ? 'check' : 'copy'} />
      {result.value === 'copied' ? 'Copied' : result.value === 'failed' ? 'Not copied' : label}
    </Button>
  )
}

async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // A page from http:// on another machine has no clipboard of its own; the old way still works there.
    return copyBySelection(text)
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  const focused = document.activeElement
  document.body.append(area)
  area.select()
  // Deprecated, but nothing else copies without a secure context.
  const isCopied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return isCopied
}
