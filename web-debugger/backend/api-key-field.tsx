/** Where an API key of the bridge is entered, for what backends may do. Once it is there it is out of sight. */
import { useSignal, type Signal } from '@preact/signals'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { TextInput } from '../ui/text-input.tsx'

export interface ApiKeyFieldProps {
  readonly apiKey: Signal<string>
  /** What takes it, as the beginning of a sentence. */
  readonly what: string
  readonly isWrong?: boolean
}

export function ApiKeyField({ apiKey, what, isWrong = false }: ApiKeyFieldProps) {
  const text = useSignal('')
  const isChanging = useSignal(false)
  if (apiKey.value !== '' && !isChanging.value && !isWrong) {
    return (
      <p class="api-key-kept">
        <Icon name="key" />
        <span>API key: kept in this tab, until you close it.</span>
        <Button kind="quiet" onClick={() => (isChanging.value = true)}>
          Change key
        </Button>
        <Button kind="quiet" onClick={() => (apiKey.value = '')}>
          Forget key
        </Button>
      </p>
    )
  }
  const save = () => {
    if (text.value.trim() === '') return
    apiKey.value = text.value.trim()
    text.value = ''
    isChanging.value = false
  }
  return (
    <form
      class="api-key-form"
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <TextInput
        label="API key"
        type="password"
        value={text}
        mono
        onEnter={save}
        error={isWrong && text.value === '' ? 'The bridge does not know this API key. Enter another one.' : undefined}
        hint={`${what} one of access.apiKeys in the configuration of the bridge. Kept in this tab only, until you close it.`}
      />
      <Button kind="primary" type="submit" disabled={text.value.trim() === ''}>
        Use key
      </Button>
    </form>
  )
}
