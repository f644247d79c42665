"""A worker like those in TypeScript, with stomp.py: it is given one job at a time, and says what has become of it."""
import json
import os
import queue
import random
import sys
import time
from urllib.parse import urlsplit

import stomp

NAME = os.environ.get("NAME", "python")
SOCKETS = os.environ.get("SOCKETS", "ws://localhost:8080/stomp,ws://localhost:8081/stomp").split(",")
BRIDGES = [(urlsplit(url).hostname, urlsplit(url).port) for url in SOCKETS]


class Listener(stomp.ConnectionListener):
    """Hands over what comes to the main thread, so that a long job does not keep the connection from being read."""

    def __init__(self):
        self.frames = queue.Queue()

    def on_message(self, frame):
        self.frames.put(frame)

    def on_error(self, frame):
        print(frame.body or frame.headers, file=sys.stderr)

    def on_disconnected(self):
        self.frames.put(None)


def work(job):
    time.sleep(job["ms"] / 1000)
    if time.time() * 1000 < job.get("failsUntil", 0):
        raise RuntimeError(f"{job['id']}: what it needs is away")


def handle(connection, frame):
    """A job may be done twice, if a worker dies between the work and the ACK: yours should do no harm then."""
    try:
        job = json.loads(frame.body)
        work(job)
    except Exception as error:
        print(error, file=sys.stderr)
        return connection.nack(frame.headers["ack"])
    done = {"id": job["id"], "by": NAME, "delivery": int(frame.headers["delivery-count"])}
    connection.send("/topic/done", json.dumps(done))
    return connection.ack(frame.headers["ack"])


def run():
    """Works until the connection is lost. What it had then goes to somebody else."""
    random.shuffle(BRIDGES)
    connection = stomp.WSConnection(BRIDGES, ws_path="/stomp", heartbeats=(10_000, 10_000))
    listener = Listener()
    connection.set_listener("", listener)
    connection.connect(wait=True)
    connection.subscribe("/queue/jobs", id="jobs", ack="client-individual", headers={"prefetch-count": "1"})
    print(f"Worker {NAME} takes jobs", flush=True)
    while (frame := listener.frames.get()) is not None:
        handle(connection, frame)


while True:
    try:
        run()
    except (stomp.exception.StompException, OSError) as error:
        print(f"Not connected: {error!r}", file=sys.stderr)
    # Not everybody at the same moment.
    time.sleep(0.5 + random.random())
