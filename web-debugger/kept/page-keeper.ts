/**
 * Keeps what is open over a reload: tabs, subscriptions and filters in the storage of the browser's tab, frames in the
 * store. Nobody else has them, and no secret is among them.
 */
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals'
import type { KeyValueStore } from '../stomp/environment.ts'
import { plainRecord, RecordKind } from '../stomp/frame-record.ts'
import { fillForm, readForm } from '../stomp/profile-form.ts'
import { withoutSecrets } from '../stomp/profile.ts'
import type { Tab, Workspace } from '../stomp/workspace.ts'
import { keep } from '../shell/storage.ts'
import { formatCount } from '../ui/format.ts'
import type { FrameStore, KeptPiece } from './frame-store.ts'
import { KeptLog } from './kept-log.ts'
import { readPage, withoutTabSecrets, writePage, type KeptPage, type KeptTab } from './kept-page.ts'

export const PAGE_KEY = 'stomp-bridge.page'
/** Who has closed the tab of the browser does not come back to it. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000
/** How long the frames of before may keep the page empty. */
const LOAD_MS = 2_000
const NO_ROOM =
  'The browser does not keep the tabs of this page: it has no room, or does not let the page. After a reload they are gone.'

export interface PageKeeperOptions {
  readonly workspace: Workspace
  /** Of this tab of the browser alone, and there again after a reload. */
  readonly storage: KeyValueStore
  readonly store: FrameStore
  readonly now: () => number
  /** False where another page is open that keeps its things by this name: a tab of the browser that was duplicated. */
  readonly claim: (id: string) => Promise<boolean>
}

export class PageKeeper {
  readonly #options: PageKeeperOptions
  readonly #tabsProblem = signal<string | undefined>(undefined)
  readonly #framesProblem = signal<string | undefined>(undefined)
  /** That tabs are not kept comes first: without them nobody finds the frames again. */
  readonly #problem = computed(() => this.#tabsProblem.value ?? this.#framesProblem.value)
  readonly #logs = new Map<Tab, { readonly key: string; readonly log: KeptLog }>()
  #id = ''
  #made = 0
  #stopWatching: (() => void) | undefined

  constructor(options: PageKeeperOptions) {
    this.#options = options
  }

  /** Why not all is kept. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  /** Opens again what was open, and from then on keeps what is. What was connected connects, unless a secret is missing. */
  async start(): Promise<void> {
    const { storage, workspace, store, claim, now } = this.#options
    const kept = readPage(storage.getItem(PAGE_KEY))
    const isOwn = kept !== undefined && (await claim(kept.id))
    this.#id = isOwn ? kept.id : newId()
    if (!isOwn) await claim(this.#id)
    store.removeBefore(now() - MAX_AGE_MS).catch((error: unknown) => this.#handleProblem(error))
    if (isOwn) this.#restore(kept, await this.#load())
    this.#stopWatching = effect(() => this.#keep(workspace.tabs.value))
  }

  /** What has not been kept yet is kept now: the page is about to go. */
  flush(): void {
    for (const { log } of this.#logs.values()) log.flush()
  }

  /** Takes away what is kept, of other pages too, and keeps nothing from here on. */
  async forget(): Promise<void> {
    this.#stopWatching?.()
    for (const { log } of this.#logs.values()) log.stop(false)
    this.#options.storage.removeItem(PAGE_KEY)
    await this.#options.store.clear().catch((error: unknown) => this.#handleProblem(error))
  }

  /** None where the store does not answer in time. */
  async #load(): Promise<readonly KeptPiece[]> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<readonly KeptPiece[]>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('The store does not answer')), LOAD_MS)
    })
    try {
      return await Promise.race([this.#options.store.load(this.#id), tooLate])
    } catch (error) {
      this.#handleProblem(error)
      return []
    } finally {
      clearTimeout(timer)
    }
  }

  #restore(page: KeptPage, pieces: readonly KeptPiece[]): void {
    const { workspace } = this.#options
    const fresh = workspace.tabs.value
    const tabs = page.tabs.map((kept) => {
      workspace.addConnection(kept.profile)
      const tab = workspace.activeTab.value!
      this.#restoreTab(tab, kept, pieces)
      // After the tab has connected: the form may hold a URL that was half typed.
      if (kept.draft) fillForm(tab.connection.profile, kept.draft)
      return tab
    })
    if (tabs.length === 0) return
    for (const { connection } of fresh) workspace.closeConnection(connection.id)
    workspace.activeId.value = (tabs[page.active] ?? tabs[0]!).connection.id
  }

  #restoreTab(tab: Tab, kept: KeptTab, pieces: readonly KeptPiece[]): void {
    const { connection, console: model, isSettingUp } = tab
    const log = this.#logOf(tab, kept.key)
    const count = log.restore(pieces.filter(({ tab: key }) => key === kept.key))
    for (const { id, destination, ack, headers, isMuted } of kept.subscriptions) {
      const given = headers.map(([name, value]) => [name, value] as const)
      connection.subscribe({ destination, ack, headers: [['id', id], ...given] }).isMuted.value = isMuted
    }
    model.text.value = kept.filter.text
    model.destination.value = kept.filter.destination
    model.command.value = kept.filter.command
    model.direction.value = kept.filter.direction
    model.hasHeartBeats.value = kept.filter.hasHeartBeats
    isSettingUp.value = kept.isSettingUp
    if (count === 0 && !kept.wasConnected) return
    const secrets = kept.wasConnected && kept.lacksSecrets ? '. Secrets are not kept: enter them in “Settings”' : ''
    const lines = `${formatCount(count)} ${count === 1 ? 'line' : 'lines'}`
    const text = `The page was loaded again, with ${lines} from before${secrets}`
    connection.log.append(plainRecord(this.#options.now(), 'note', RecordKind.note, text, undefined))
    connection.pulse.mark()
    if (kept.wasConnected && !kept.lacksSecrets) connection.connect()
  }

  #logOf(tab: Tab, key = newId(++this.#made)): KeptLog {
    let entry = this.#logs.get(tab)
    if (!entry) {
      const { store } = this.#options
      const { connection } = tab
      const onProblem = (error: unknown) => this.#handleProblem(error)
      entry = { key, log: new KeptLog({ connection, store, page: this.#id, tab: key, onProblem }) }
      this.#logs.set(tab, entry)
    }
    return entry.log
  }

  /** Called whenever one of the signals changes that are read here. */
  #keep(tabs: readonly Tab[]): void {
    for (const [tab, { log }] of this.#logs) {
      if (tabs.includes(tab)) continue
      log.stop(true)
      this.#logs.delete(tab)
    }
    for (const tab of tabs) this.#logOf(tab)
    const active = tabs.findIndex(({ connection }) => connection.id === this.#options.workspace.activeId.value)
    const kept = tabs.map((tab) => this.#tabOf(tab))
    const page = writePage({ id: this.#id, active: Math.max(0, active), tabs: kept })
    this.#tabsProblem.value = keep(this.#options.storage, PAGE_KEY, page) ? undefined : NO_ROOM
  }

  #tabOf(tab: Tab): KeptTab {
    const { connection, console: model, isSettingUp } = tab
    const state = connection.state.value
    const form = readForm(connection.profile)
    const isDraft = connection.hasChanges.value
    const subscriptions = connection.subscriptions.value.map(({ id, destination, ack, headers, isMuted }) => ({
      id,
      destination,
      ack,
      headers,
      isMuted: isMuted.value,
    }))
    return {
      key: this.#logs.get(tab)!.key,
      ...withoutTabSecrets(isDraft ? connection.current.value : form, subscriptions),
      draft: isDraft ? withoutSecrets(form) : undefined,
      isSettingUp: isSettingUp.value,
      wasConnected: state === 'connected' || state === 'waiting' || state === 'connecting',
      filter: {
        text: model.text.value,
        destination: model.destination.value,
        command: model.command.value,
        direction: model.direction.value,
        hasHeartBeats: model.hasHeartBeats.value,
      },
    }
  }

  #handleProblem(error: unknown): void {
    const why = error instanceof Error && error.message !== '' ? ` (${error.message})` : ''
    this.#framesProblem.value = `The browser does not keep all frames of this page${why}. After a reload some are gone.`
  }
}

function newId(salt = 0): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${salt}`
}
