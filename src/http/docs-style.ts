/**
 * Owns how the docs page looks. Two colour schemes by the reader's preference, one column that also fits a phone; text
 * and its background keep a contrast of 4.5 to 1 or more in both.
 */

/** The page's only style sheet, put into it as it is: its hash is in the page's policy header. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f5f6f8; --line: #dfe3e8;
  --text: #1b1f24; --soft: #57606a; --link: #0a58b0;
  --get: #0b6b50; --post: #5a32a3; --good: #17692f; --bad: #8a4b00; --worse: #b3261e;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151a; --raised: #1b2027; --line: #323a45;
    --text: #e7eaee; --soft: #a4adb8; --link: #7cb8ff;
    --get: #5fd3ae; --post: #c3a6ff; --good: #6fd58c; --bad: #f0b45c; --worse: #ff9a91;
  }
}
*, ::before, ::after { box-sizing: border-box }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100% }
body { margin: 0 auto; padding: 0 1.25rem 4rem; max-width: 50rem; background: var(--page); color: var(--text);
  font: 1rem/1.6 var(--sans); overflow-wrap: break-word }
header { padding: 3rem 0 1.5rem; border-bottom: 1px solid var(--line) }
h1, h2, h3, h4, p, dl, dd, ul, pre { margin: 0 }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.02em }
h2 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em }
h3 { font-size: 1.125rem; line-height: 1.35; margin-top: 2rem }
h4 { font-size: .875rem; margin: 1.5rem 0 .5rem; color: var(--soft) }
.lead { margin-top: .75rem; font-size: 1.125rem }
.facts, .note { color: var(--soft); font-size: .875rem }
.facts { margin-top: .5rem }
a { color: var(--link); text-underline-offset: .2em }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: .25rem }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin-top: 1.25rem; padding: 0; list-style: none }
nav a { display: inline-block; padding: .25rem 0 }
section { padding-top: 3rem }
section > p, article > p { margin-top: .5rem }
article { margin-top: 1.5rem; padding: 1.25rem 1.5rem 1.5rem; border: 1px solid var(--line); border-radius: .75rem }
article > h3 { margin-top: 0 }
code, pre { font-family: var(--mono); font-size: .875rem }
dd code, p code { overflow-wrap: anywhere }
pre { margin-top: .75rem; padding: .875rem 1rem; overflow-x: auto; background: var(--raised);
  border: 1px solid var(--line); border-radius: .5rem; line-height: 1.55; tab-size: 2 }
.call { display: flex; gap: .625rem; align-items: baseline }
.call code { font-size: 1rem }
.method, .status { flex: none; font: 600 .8125rem/1.5 var(--mono) }
.method { padding: 0 .4375rem; border: 1px solid currentColor; border-radius: .3125rem }
.get { color: var(--get) }
.post { color: var(--post) }
.delete { color: var(--worse) }
.pairs { margin-top: .75rem; border-top: 1px solid var(--line) }
.pairs > div { display: grid; grid-template-columns: 11rem 1fr; gap: .125rem 1.25rem; padding: .625rem 0;
  border-bottom: 1px solid var(--line) }
.pairs dt { font-weight: 600 }
.pairs dt .note { font-weight: 400; margin-left: .25rem }
.pairs dd .note { display: block }
.responses { padding: 0; list-style: none; border-top: 1px solid var(--line) }
.responses > li { border-bottom: 1px solid var(--line) }
.responses p, summary { display: flex; gap: .875rem; align-items: baseline; padding: .5rem 0 }
summary { cursor: pointer; list-style: none }
summary::-webkit-details-marker { display: none }
summary::after { content: ''; flex: none; align-self: center; width: .4375rem; height: .4375rem; margin: 0 .25rem 0 auto;
  border: solid var(--soft); border-width: 0 2px 2px 0; transform: rotate(45deg) }
details[open] > summary::after { transform: rotate(225deg) }
details pre { margin: .25rem 0 .875rem }
.s1, .s2 { color: var(--good) }
.s4 { color: var(--bad) }
.s5 { color: var(--worse) }
@media (max-width: 36rem) {
  header { padding-top: 2rem }
  h1 { font-size: 1.625rem }
  article { padding: 1rem 1rem 1.125rem }
  .pairs > div { grid-template-columns: 1fr }
}
`
