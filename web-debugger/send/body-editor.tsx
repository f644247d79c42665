/** The body of a message: text, JSON, bytes in hex or Base64, or a file. */
import { formatJson } from '../stomp/body.ts'
import type { BodyKind, MessageForm } from '../stomp/message-form.ts'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { Choice } from '../ui/choice.tsx'
import { Field } from '../ui/field.tsx'
import { TextArea } from '../ui/text-area.tsx'

const KINDS: readonly { readonly value: BodyKind; readonly text: string }[] = [
  { value: 'text', text: 'Text' },
  { value: 'json', text: 'JSON' },
  { value: 'hex', text: 'Hex' },
  { value: 'base64', text: 'Base64' },
  { value: 'file', text: 'File' },
]

const PLACEHOLDERS: Readonly<Record<BodyKind, string>> = {
  text: 'Hello',
  json: '{ "hello": "world" }',
  hex: '48 65 6c 6c 6f',
  base64: 'SGVsbG8=',
  file: '',
}

export interface BodyEditorProps {
  readonly form: MessageForm
  readonly isStomp: boolean
  readonly onCtrlEnter: () => void
}

export function BodyEditor({ form, isStomp, onCtrlEnter }: BodyEditorProps) {
  const kind = form.bodyKind.value
  const format = () => (form.text.value = formatJson(form.text.value) ?? form.text.value)
  return (
    <div class="body-editor">
      <div class="body-kinds">
        <Choice label="Kind of body" value={form.bodyKind} options={KINDS} />
        {kind === 'json' && (
          <Button kind="quiet" onClick={format} disabled={form.bodyProblem.value !== undefined}>
            Format
          </Button>
        )}
      </div>
      {kind === 'file' ? (
        <FileField form={form} />
      ) : (
        <TextArea
          label="Body"
          hideLabel
          value={form.text}
          rows={4}
          error={form.bodyProblem.value}
          placeholder={PLACEHOLDERS[kind]}
          onCtrlEnter={onCtrlEnter}
          mono
        />
      )}
      {!isStomp && kind === 'text' && (
        <Checkbox
          label="Read escapes"
          value={form.hasEscapes}
          hint="\0 is a NUL, \n a line feed: so a STOMP frame can be typed by hand."
        />
      )}
    </div>
  )
}

function FileField({ form }: { readonly form: MessageForm }) {
  const file = form.file.value
  const choose = async (chosen: File | undefined) => {
    form.file.value = chosen && { name: chosen.name, bytes: new Uint8Array(await chosen.arrayBuffer()) }
  }
  return (
    <Field
      label="File to send"
      hint={file && `${file.name}, ${file.bytes.length.toLocaleString('en')} bytes, sent as a binary message`}
      error={form.bodyProblem.value}
    >
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          class="input"
          type="file"
          aria-describedby={describedBy}
          aria-invalid={invalid || undefined}
          onChange={(event) => void choose(event.currentTarget.files?.[0])}
        />
      )}
    </Field>
  )
}
