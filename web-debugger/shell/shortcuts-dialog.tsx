/** The list of keyboard shortcuts, and the switch for those that need no second key. */
import type { Signal } from '@preact/signals'
import { Checkbox } from '../ui/checkbox.tsx'
import { Dialog } from '../ui/dialog.tsx'
import type { Preferences } from './preferences.ts'
import { OTHER_KEYS, SINGLE_KEYS, type ShortcutGroup } from './shortcuts.ts'

export interface ShortcutsDialogProps {
  readonly isOpen: Signal<boolean>
  readonly preferences: Preferences
}

export function ShortcutsDialog({ isOpen, preferences }: ShortcutsDialogProps) {
  return (
    <Dialog title="Keyboard shortcuts" isOpen={isOpen}>
      <Group group={SINGLE_KEYS} />
      <Checkbox
        label="Single keys work"
        value={preferences.hasSingleKeys}
        hint="Turn this off if you speak to your computer, or press keys by accident."
      />
      {OTHER_KEYS.map((group) => (
        <Group key={group.title} group={group} />
      ))}
    </Dialog>
  )
}

function Group({ group }: { readonly group: ShortcutGroup }) {
  return (
    <section class="shortcuts">
      <h3>{group.title}</h3>
      <dl>
        {group.shortcuts.map(({ keys, text }) => (
          <div key={text}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
