import { describe, expect, it, onTestFinished } from 'vitest'
import { createWorkspace } from '../../web-debugger/stomp/workspace.ts'
import { FakePage, memoryStore } from './fake-page.ts'

describe('the form to subscribe', () => {
  it('is of its tab, whatever else is shown, and empty when it is subscribed', () => {
    const environment = new FakePage()
    const workspace = createWorkspace({ defaultUrl: 'ws://localhost/stomp', storage: memoryStore(), environment })
    onTestFinished(() => workspace.tabs.value.forEach((tab) => tab.close()))
    const { connection, subscribeForm } = workspace.activeTab.value!
    subscribeForm.subscribe(connection)
    expect(subscribeForm.problem.value).toContain('Enter a destination')
    subscribeForm.destination.value = ' /topic/a '
    subscribeForm.ack.value = 'client'
    subscribeForm.prefetch.value = '5'
    workspace.addConnection()
    expect(workspace.activeTab.value!.subscribeForm.destination.value).toBe('')
    workspace.activeId.value = connection.id
    const form = workspace.activeTab.value!.subscribeForm
    form.subscribe(connection)
    expect(connection.subscriptions.value).toMatchObject([
      { destination: '/topic/a', ack: 'client', headers: [['prefetch-count', '5']] },
    ])
    expect([form.destination.value, form.problem.value]).toEqual(['', undefined])
  })
})
