/** A profile as signals, one for each field, for forms to bind to. */
import { signal, type Signal } from '@preact/signals'
import type { Profile } from './profile.ts'

/** Numbers are text while somebody types them. */
type FormValue<T> = T extends number ? string : T

export type ProfileForm = { readonly [Field in keyof Profile]: Signal<FormValue<Profile[Field]>> }

export function createForm(profile: Profile): ProfileForm {
  const form: Record<string, Signal<unknown>> = {}
  for (const [field, value] of Object.entries(profile)) form[field] = signal(toFormValue(value))
  return form as unknown as ProfileForm
}

export function fillForm(form: ProfileForm, profile: Profile): void {
  for (const [field, value] of Object.entries(profile)) {
    ;(form[field as keyof Profile] as Signal<unknown>).value = toFormValue(value)
  }
}

/** The profile that the form holds now. Text that is no number becomes NaN, which `problemsOf` finds. */
export function readForm(form: ProfileForm): Profile {
  const fields = Object.entries(form).map(([field, { value }]) => [field, value as unknown])
  const { heartBeatOutMs, heartBeatInMs } = form
  return {
    ...(Object.fromEntries(fields) as Profile),
    heartBeatOutMs: toNumber(heartBeatOutMs.value),
    heartBeatInMs: toNumber(heartBeatInMs.value),
  }
}

function toFormValue(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value
}

/** As Number, but nothing is no number. */
export function toNumber(text: string): number {
  return text.trim() === '' ? NaN : Number(text)
}
