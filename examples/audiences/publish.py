"""Publishes a message for an audience: broadcast, user:NAME, group:NAME or session:ID."""
import os
import sys

import redis

connection = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))


def publish(audience, facility, message):
    connection.publish(f"{audience}:{facility}", message)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: python3 publish.py AUDIENCE FACILITY MESSAGE")
    publish(*sys.argv[1:])
