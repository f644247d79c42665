/**
 * Several processes of this program on Node. Node 20 cannot set SO_REUSEPORT; its workers share one listening socket
 * instead, which the supervisor has made. `node:cluster` does that below `node:http` and `node:net`, which need not know.
 */
import cluster from 'node:cluster'
import type { Processes } from '../processes.ts'
import { connectSupervisor, WORKER_STDIO, workerProcess } from './child-process.ts'

export const processes: Processes = {
  startWorker(env, events) {
    // The other policy, each connection handed over by the supervisor, loses what it hands to a worker that has just died:
    // the client is connected to nobody and waits. Here whoever is left accepts it.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({ stdio: [...WORKER_STDIO] })
    return workerProcess(cluster.fork(env).process, events)
  },
  connectSupervisor(events) {
    // Else cluster ends this process on the spot when the supervisor is gone, before anybody can close in order.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true
    return connectSupervisor(events)
  },
}
