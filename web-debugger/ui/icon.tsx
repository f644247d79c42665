/** The pictures of the page, drawn on a 16 × 16 grid in the colour of the text. Never the only name of a control. */

const PATHS = {
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  chevron: 'M6 3.5L10.5 8 6 12.5',
  up: 'M3.5 10L8 5.5l4.5 4.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  info: 'M8 7.2v4M8 4.6v.6M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8z',
  success: 'M5 8.3l2.2 2.2L11 6M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8z',
  warning: 'M8 6.2v3.2M8 11.2v.6M8 2L1.6 13.4h12.8z',
  error: 'M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8z',
  client: 'M2 3.5h12v8H2zM5.5 14h5M4.5 6l2 1.5-2 1.5M8 9.2h3',
  backend: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  bridge: 'M1.5 12.5v-5M14.5 12.5v-5M1.5 9.5C4 9.5 5 4.5 8 4.5s4 5 6.5 5M1.5 12.5h13M5 12.5V8M11 12.5V8M8 12.5v-8',
  tour: 'M3 14V2.5M3 3h9l-2 3 2 3H3',
  sun: 'M8 5.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1',
  moon: 'M13.5 9.6A5.8 5.8 0 016.4 2.5a5.8 5.8 0 107.1 7.1z',
  system: 'M2 3h12v8H2zM5.5 13.5h5M8 11v2.5',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.1M6.7 6.5h.1M9.3 6.5h.1M12 6.5h.1M4 9.5h8',
  search: 'M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.3l3.5 3.5',
  play: 'M4.5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  trash: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9',
  refresh: 'M13 4.5v3h-3M13 7.4A5.2 5.2 0 108 13.2a5.2 5.2 0 004.7-3',
  arrow: 'M2.5 8h11M9.5 4l4 4-4 4',
  external: 'M9 2.5h4.5V7M13.5 2.5L7.5 8.5M11.5 9.5v4h-9v-9h4',
  key: 'M5.5 7.5a3 3 0 100 .1zM8.4 8h6M12 8v2.5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
