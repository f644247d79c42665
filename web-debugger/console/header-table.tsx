/** The headers of a frame, with how they differ from the frame of its kind before it. */
import type { RecordParts } from '../stomp/frame-record.ts'
import type { HeaderChanges } from '../stomp/header-changes.ts'
import type { LogQuery } from '../stomp/log-query.ts'
import { MASK } from '../stomp/secrets.ts'
import { Marked } from '../ui/marked.tsx'

export interface HeaderTableProps {
  readonly parts: RecordParts
  readonly changes: HeaderChanges | undefined
  /** What is searched for; it is marked. */
  readonly query: LogQuery | undefined
  readonly isHidden: (name: string) => boolean
}

export function HeaderTable({ parts, changes, query, isHidden }: HeaderTableProps) {
  const gone = changes?.gone ?? []
  if (parts.headers.length === 0 && gone.length === 0) return null
  const before = (name: string, value: string) => (isHidden(name) ? MASK : value)
  return (
    <table class="detail-headers" aria-label="Headers">
      <tbody>
        {parts.headers.map(([name, value], index) => (
          <tr key={index}>
            <th scope="row">
              <Marked text={name} ranges={query?.rangesIn(name) ?? []} />
            </th>
            <td>
              {isHidden(name) ? (
                <span title="Hidden; the button “Secrets” of the console shows it">{MASK}</span>
              ) : (
                // A value that turns the text around turns nothing around but itself.
                <bdi>
                  <Marked text={value} ranges={query?.rangesIn(value, name) ?? []} />
                </bdi>
              )}
              {value === '' && <span class="muted">empty</span>}
              {changes?.changed.has(name) && (
                <Change was={changes.changed.get(name)} show={(was) => before(name, was)} />
              )}
            </td>
          </tr>
        ))}
        {gone.map(([name, value]) => (
          <tr key={`gone ${name}`} class="header-gone">
            <th scope="row">{name}</th>
            <td>
              <Tag text="gone" title={`The frame of this kind before had: ${before(name, value)}`} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Change({ was, show }: { readonly was: string | undefined; readonly show: (was: string) => string }) {
  if (was === undefined) return <Tag text="new" title="The frame of this kind before had no such header" />
  return <Tag text="changed" title={`In the frame of this kind before: ${show(was)}`} />
}

function Tag({ text, title }: { readonly text: string; readonly title: string }) {
  return (
    <>
      {' '}
      <span class="header-change" title={title}>
        {text}
      </span>
    </>
  )
}
