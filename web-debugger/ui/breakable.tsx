/** A name of a channel or destination that may be broken where its parts meet, rather than in the middle of a word. */

export function Breakable({ text }: { readonly text: string }) {
  return (
    <>
      {text.split(/(?<=[_/:.])/).map((part, index) => (
        <>
          {index > 0 && <wbr />}
          {part}
        </>
      ))}
    </>
  )
}
