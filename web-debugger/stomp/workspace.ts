/** The root of the client's model: the connections that are open as tabs, and the saved profiles. */
import { computed, signal, type ReadonlySignal } from '@preact/signals'
import { Connection } from './connection.ts'
import { ConsoleModel } from './console-model.ts'
import { browserEnvironment, type Environment, type KeyValueStore } from './environment.ts'
import type { Limits } from './frame-size.ts'
import { createProfile, type Profile } from './profile.ts'
import { ProfileStore } from './profile-store.ts'
import { Replay } from './replay.ts'
import { Sender } from './sender.ts'
import { SubscribeForm } from './subscribe-form.ts'
import { isSameHost } from './url.ts'

/** A connection with what its tab keeps for it. */
export class Tab {
  readonly connection: Connection
  readonly console: ConsoleModel
  readonly sender: Sender
  readonly subscribeForm = new SubscribeForm()
  readonly replay: Replay
  /** Are the settings of the connection shown in place of the console? */
  readonly isSettingUp = signal(true)
  /** Do the settings close when the session is there? It was asked for in them. */
  #isAwaited = false

  constructor(connection: Connection, limits: ReadonlySignal<Limits | undefined>) {
    this.connection = connection
    this.console = new ConsoleModel(connection)
    this.sender = new Sender(connection, limits)
    this.replay = new Replay(connection)
    this.isSettingUp.subscribe((isShown) => {
      if (!isShown) this.#isAwaited = false
    })
    connection.state.subscribe((state) => {
      // What comes back by itself, or was asked for elsewhere, takes nobody out of the settings.
      if (state === 'connected' && this.#isAwaited) this.isSettingUp.value = false
      if (state === 'waiting' || state === 'closed') this.#isAwaited = false
    })
  }

  /** Connects as somebody asks for it in what is shown; settings close when the session is there. */
  connect(): void {
    this.#isAwaited = this.isSettingUp.peek()
    if (!this.connection.connect()) this.#isAwaited = false
    else if (this.connection.state.peek() === 'connected') this.isSettingUp.value = false
  }

  /** Ends all that goes on in it. */
  close(): void {
    this.sender.stop()
    this.replay.stop()
    this.connection.dispose()
  }
}

export interface WorkspaceOptions {
  /** What a new connection is pointed at. */
  readonly defaultUrl: string
  readonly storage: KeyValueStore
  readonly environment?: Environment
}

export class Workspace {
  readonly defaultUrl: string
  readonly store: ProfileStore
  /** Of the bridge that the page comes from; undefined while they are not known. */
  readonly bridgeLimits = signal<Limits | undefined>(undefined)
  /** Id of the connection that is shown; empty if there is none. */
  readonly activeId = signal('')
  readonly #environment: Environment
  readonly #tabs = signal<readonly Tab[]>([])
  readonly #connections = computed(() => this.#tabs.value.map(({ connection }) => connection))
  readonly #activeTab = computed(() => this.#tabs.value.find(({ connection }) => connection.id === this.activeId.value))
  readonly #active = computed(() => this.#activeTab.value?.connection)
  #opened = 0

  constructor({ defaultUrl, storage, environment = browserEnvironment }: WorkspaceOptions) {
    this.defaultUrl = defaultUrl
    this.store = new ProfileStore(storage)
    this.#environment = environment
  }

  get tabs(): ReadonlySignal<readonly Tab[]> {
    return this.#tabs
  }

  get connections(): ReadonlySignal<readonly Connection[]> {
    return this.#connections
  }

  get activeTab(): ReadonlySignal<Tab | undefined> {
    return this.#activeTab
  }

  get active(): ReadonlySignal<Connection | undefined> {
    return this.#active
  }

  /** Opens a tab and shows it; it does not connect. */
  addConnection(profile: Profile = createProfile(this.defaultUrl)): Connection {
    const connection = new Connection(`connection-${++this.#opened}`, profile, this.#environment)
    const limits = computed(() =>
      isSameHost(connection.current.value.url, this.defaultUrl) ? this.bridgeLimits.value : undefined,
    )
    this.#tabs.value = [...this.#tabs.value, new Tab(connection, limits)]
    this.activeId.value = connection.id
    return connection
  }

  /** Connects what is shown, as somebody asks for it. */
  connect(): void {
    this.#activeTab.value?.connect()
  }

  /** Ends the connection and closes its tab; the one beside it is shown then. */
  closeConnection(id: string): void {
    const tabs = this.#tabs.value
    const index = tabs.findIndex(({ connection }) => connection.id === id)
    const closed = tabs[index]
    if (!closed) return
    closed.close()
    const left = tabs.filter((tab) => tab !== closed)
    this.#tabs.value = left
    // There is always one to begin with.
    if (left.length === 0) this.addConnection()
    else if (this.activeId.value === id) this.activeId.value = left[Math.min(index, left.length - 1)]!.connection.id
  }
}

/** A workspace with one tab, which is not connected. */
export function createWorkspace(options: WorkspaceOptions): Workspace {
  const workspace = new Workspace(options)
  workspace.addConnection()
  return workspace
}
