#!/usr/bin/env python3
"""An invented helpdesk with an HTTP interface, for the example beside it. Python's standard library only; listens on 127.0.0.1.

    python3 api.py [--port 8918] [--tickets 120]

Prints its address. `POST /touch/7` changes ticket 7, as somebody who works on it would. Ends with Ctrl-C, or when standard input ends (--until-eof).
"""

import argparse
import json
import sys
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY = "helpdesk-example-key"
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
TOPICS = ["Printer", "Login", "Invoice", "Delivery", "Phone"]


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket(number):
    return {
        "id": number,
        "subject": f"{TOPICS[number % 5]} does not work ({number})",
        "requester": {"name": f"Requester {number}", "email": f"requester{number}@kunde.example"},
        "agent_id": number % 3 + 1,
        "state": "open" if number % 4 else "closed",
        "updated_at": stamp(BEGIN + timedelta(hours=number)),
        "internal_note": "not for anybody else",
    }


class Helpdesk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tickets = {}
    lock = threading.Lock()

    def do_GET(self):
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if self.headers.get("X-Api-Key") != KEY:
            return self.answer(401, {"error": "the key is missing or wrong"})
        if address.path == "/v1/tickets":
            return self.page(query)
        if address.path == "/v1/agents":
            return self.answer(200, {"agents": [{"id": n, "name": f"Agent {n}", "team": "first line"} for n in (1, 2, 3)]})
        return self.answer(404, {"error": "there is no such thing"})

    def page(self, query):
        since = query.get("updated_since", "")
        size, number = min(int(query.get("per_page", 50)), 100), int(query.get("page", 1))
        with self.lock:
            found = sorted((t for t in self.tickets.values() if t["updated_at"] >= since), key=lambda t: (t["updated_at"], t["id"]))
        part = found[(number - 1) * size : number * size]
        self.answer(200, {"tickets": part, "meta": {"total": len(found)}})

    def do_POST(self):
        number = int(self.path.rsplit("/", 1)[-1])
        with self.lock:
            self.tickets[number]["updated_at"] = stamp(datetime.now(timezone.utc))
        self.answer(200, {"touched": number})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    reader = argparse.ArgumentParser(description="An invented helpdesk")
    reader.add_argument("--port", type=int, default=8918)
    reader.add_argument("--tickets", type=int, default=120)
    reader.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    given = reader.parse_args()
    Helpdesk.tickets = {number: ticket(number) for number in range(1, given.tickets + 1)}
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Helpdesk)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    if given.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
