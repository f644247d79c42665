"""A web server that signs people in, tells the bridge who they are, and publishes. It serves no WebSocket."""
import json
import os
import re
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from publish import publish

HERE = Path(__file__).resolve().parent
FILES = {
    "/": (HERE / "index.html", "text/html; charset=utf-8"),
    "/stomp.js": (HERE / "../../node_modules/@stomp/stompjs/bundles/stomp.umd.min.js", "text/javascript"),
}
GROUPS = {"alice": ["staff"], "bob": ["customers"]}
AUDIENCE = re.compile(r"broadcast|(user|group|session):[^:]+")

users = {}  # by token


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in FILES:
            path, content_type = FILES[self.path]
            return self.answer(200, path.read_bytes(), content_type)
        if self.path.startswith("/auth/"):
            user = users.get(self.path.removeprefix("/auth/"))
            return self.answer_json(200, {"user": user, "groups": GROUPS[user]} if user else {"auth": False})
        return self.answer_json(404, {"error": "There is nothing here"})

    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/login" and body["user"] in GROUPS:
                return self.login(body["user"])
            if self.path == "/publish" and AUDIENCE.fullmatch(body["audience"]):
                publish(body["audience"], "news", str(body["message"]))
                return self.answer_json(200, {"status": "ok"})
        except (KeyError, TypeError, ValueError):
            pass
        return self.answer_json(400, {"error": "This is not what /login and /publish take"})

    def login(self, user):
        """Whoever asks is believed. Yours asks for a password."""
        token = secrets.token_urlsafe()
        users[token] = user
        self.answer_json(200, {"token": token, "groups": GROUPS[user]})

    def answer_json(self, status, value):
        self.answer(status, json.dumps(value).encode(), "application/json")

    def answer(self, status, body, content_type):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler)
print(f"Open http://localhost:{server.server_port}", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
