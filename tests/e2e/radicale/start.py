#!/usr/bin/env python3
"""Starts a real Radicale 3.9 with an invented address book on 127.0.0.1 and stops it when standard input closes.

    start.py [--cache FOLDER] [--port PORT] [--cards N] [--uid PREFIX]

FOLDER (or HUB_E2E_CACHE, else ~/.cache/hub-e2e) keeps the Python environment between runs; making it needs the package index once. When the server answers,
one line of JSON goes to standard output: {"url", "user", "password", "cards"}; "url" is the address book's. It lives in a temporary folder.
Orders on standard input, one a line, each answered with one line:
    touch N          changes the name on card N: {"touched": N}
    rename N NAME    puts another name on card N: {"renamed": N}
    show N           {"card": {PROPERTY: VALUE, …}}, or null for the card
    delete N         deletes card N: {"deleted": N}
    forget           makes the server forget all sync tokens: {"forgotten": true}
"""
import base64
import logging
import pathlib
import secrets
import shutil
import sys
import tempfile
import threading
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

VERSION = "3.9.0"
USER = "hub"
BOOK = f"/{USER}/contacts/"


def main():
    options = parse_options()
    environment.enter(__file__, options.cache / f"radicale-{VERSION}", [f"radicale=={VERSION}"])
    home = pathlib.Path(tempfile.mkdtemp(prefix="hub-radicale-"))
    try:
        run(home, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def parse_options():
    parser = environment.parser(__doc__)
    parser.add_argument("--cards", type=int, default=120, help="how many cards (default 120)")
    parser.add_argument("--uid", metavar="PREFIX", help="what stands before the number in the UID of a card (default: it is a UUID)")
    options = parser.parse_args()
    if options.cards < 0:
        parser.error("--cards must be at least 0")
    return options


class Book:
    """The address book as a client sees it."""

    def __init__(self, port, password, uid):
        self.base = f"http://127.0.0.1:{port}"
        self.uid = uid
        self.authorization = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()

    def send(self, method, path, body=None, kind="text/vcard; charset=utf-8"):
        headers = {"Authorization": self.authorization, "Content-Type": kind}
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.base + path, method=method, data=data, headers=headers)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def make(self):
        self.send("MKCOL", BOOK, COLLECTION, "application/xml; charset=utf-8")

    def put(self, number, first, last):
        uid = f"{self.uid}{number}" if self.uid else f"urn:uuid:00000000-0000-4000-8000-{number:012}"
        self.send("PUT", f"{BOOK}card-{number}.vcf", card(number, uid, first, last))

    def show(self, number):
        """The properties of a card by name, without their parameters; none if there is no such card."""
        try:
            text = self.send("GET", f"{BOOK}card-{number}.vcf").decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        lines = (line.split(":", 1) for line in text.replace("\r\n ", "").splitlines())
        return {head.split(";")[0]: value for head, value in lines}

    def delete(self, number):
        self.send("DELETE", f"{BOOK}card-{number}.vcf")


def run(home, options):
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
    from socketserver import ThreadingMixIn

    import radicale.app
    import radicale.config

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    password = secrets.token_hex(16)
    users = home / "users"
    users.write_text(f"{USER}:{password}\n")
    settings = radicale.config.load()
    settings.update({
        "auth": {"type": "htpasswd", "htpasswd_filename": str(users), "htpasswd_encryption": "plain"},
        "storage": {"filesystem_folder": str(home / "collections"), "_filesystem_fsync": "False"},
    }, "start.py", privileged=True)
    logging.getLogger("radicale").disabled = True
    server = make_server("127.0.0.1", options.port, radicale.app.Application(settings), server_class=Server, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    book = Book(server.server_port, password, options.uid)
    book.make()
    for number in range(1, options.cards + 1):
        book.put(number, *name(number))
    environment.say({"url": book.base + BOOK, "user": USER, "password": password, "cards": options.cards})
    for line in sys.stdin:
        obey(home, book, line.split())
    server.shutdown()


COLLECTION = """<?xml version="1.0" encoding="utf-8"?>
<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop>
<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>Kontakte</D:displayname></D:prop></D:set></D:mkcol>"""

FIRST = ["Anna", "Björn", "Çağla", "Dörte", "Emil", "Fatma", "Jörg", "Käthe", "Lukas", "Mareike", "Søren", "Zoë"]
LAST = ["Ahrens", "Bäcker", "Engel", "Groß", "Jäger", "Köhler", "Müller", "Öztürk", "Schäfer", "Voß", "Weiß", "Wójcik"]


def name(number):
    return FIRST[number % len(FIRST)], LAST[number * 7 % len(LAST)]


def card(number, uid, first, last):
    """Every second one in vCard 4, with long lines that are folded."""
    version = "4.0" if number % 2 else "3.0"
    street = f"Hafenstraße {number}\\, Hinterhaus" if number % 5 == 0 else f"Hafenstraße {number}"
    lines = [
        "BEGIN:VCARD",
        f"VERSION:{version}",
        f"UID:{uid}",
        f"FN:{first} {last}",
        f"N:{last};{first};;;",
        f"EMAIL;TYPE=WORK:k{number}@company.example",
        f"TEL;TYPE=CELL:+49 30 23125 {number % 1000:03}",
        "ORG:Beispiel GmbH;Vertrieb",
        f"ADR;TYPE=WORK:;;{street};Köln;NW;50667;Deutschland",
        f"NOTE:Erste Zeile\\n{'Sehr lange Notiz. ' * 8}",
        "REV:20260101T120000Z",
        "END:VCARD",
    ]
    return "\r\n".join(folded for line in lines for folded in fold(line)) + "\r\n"


def fold(line):
    """At most 75 bytes a line, never inside a character."""
    part = ""
    for sign in line:
        if len((part + sign).encode()) > 75:
            yield part
            part = " "
        part += sign
    yield part


def obey(home, book, words):
    if words == ["forget"]:
        for folder in home.glob("collections/**/.Radicale.cache/sync-token"):
            shutil.rmtree(folder)
        return environment.say({"forgotten": True})
    order, number, names = words[:1], int(words[1]) if len(words) > 1 and words[1].isdigit() else None, words[2:]
    first, last = name(number or 0)
    match order:
        case ["touch"] if number and not names:
            book.put(number, first, f"{last} *")
            environment.say({"touched": number})
        case ["rename"] if number and len(names) > 1:
            book.put(number, " ".join(names[:-1]), names[-1])
            environment.say({"renamed": number})
        case ["show"] if number and not names:
            environment.say({"card": book.show(number)})
        case ["delete"] if number and not names:
            book.delete(number)
            environment.say({"deleted": number})
        case _:
            environment.say({"error": "known are: touch N, rename N NAME, show N, delete N, forget"})


if __name__ == "__main__":
    main()
