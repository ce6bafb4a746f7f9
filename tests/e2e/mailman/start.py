#!/usr/bin/env python3
"""Starts a real GNU Mailman 3.3 core with invented lists on 127.0.0.1 and stops it when standard input closes.

    start.py [--cache FOLDER] [--port PORT] [--members N]

FOLDER (or HUB_E2E_CACHE, else ~/.cache/hub-e2e) keeps the Python environment between runs; making it needs the package index once. When the REST interface answers,
one line of JSON goes to standard output: {"url", "user", "password", "members"}. There are the lists news.lists.example with N members and staff.lists.example with
one owner and no member; the owner has a password. Everything lives in a temporary folder; no mail is sent, and no queue is worked on.
Orders on standard input, one a line, each answered with one line:
    show LIST ADDRESS         {"member": {"email", "display_name", "delivery_mode", "id"}}, or null for the member
    count LIST                {"count": N}
    unsubscribe LIST ADDRESS  {"unsubscribed": ADDRESS}
    ban LIST ADDRESS          {"banned": ADDRESS}
"""
import base64
import json
import logging
import os
import pathlib
import secrets
import shutil
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

VERSION = "3.3.10"
# The releases of its libraries at that time: with SQLAlchemy 2.1 it answers a search with status 500.
PACKAGES = [f"mailman=={VERSION}", "sqlalchemy==2.0.36", "falcon==4.0.2"]
USER = "hub"
DOMAIN = "lists.example"


def main():
    options = parse_options()
    environment.enter(__file__, options.cache / f"mailman-{VERSION}", PACKAGES)
    home = pathlib.Path(tempfile.mkdtemp(prefix="hub-mailman-"))
    try:
        run(home, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def parse_options():
    parser = environment.parser(__doc__)
    parser.add_argument("--members", type=int, default=120, help="how many members of the list news (default 120)")
    options = parser.parse_args()
    if options.members < 0:
        parser.error("--members must be at least 0")
    return options


def run(home, options):
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    password = secrets.token_hex(16)
    # One request at a time: all of Mailman's threads share one session of its database.
    server = make_server("127.0.0.1", options.port, None, handler_class=Quiet)
    prepare(home, server.server_port, password)
    fill(options.members)
    server.set_app(application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    environment.say({"url": url, "user": USER, "password": password, "members": options.members})
    client = Client(url, password)
    for line in sys.stdin:
        obey(client, line.split())
    server.shutdown()


def prepare(home, port, password):
    """A configuration of its own, and Mailman in this process: its command line refuses to run as root."""
    config = home / "mailman.cfg"
    config.write_text(f"""
[mailman]
layout: here
[paths.here]
var_dir: {home}/var
[webservice]
hostname: 127.0.0.1
port: {port}
admin_user: {USER}
admin_pass: {password}
[mta]
incoming: mailman.mta.null.NullMTA
[database]
url: sqlite:///{home}/mailman.db
""")
    os.environ["MAILMAN_CONFIG_FILE"] = str(config)
    from mailman.core.initialize import initialize

    initialize(str(config))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def application():
    from mailman.rest.wsgiapp import make_application

    return make_application()


FIRST = ["Anna", "Björn", "Çağla", "Dörte", "Emil", "Fatma", "Jörg", "Käthe", "Lukas", "Mareike", "Søren", "Zoë"]
LAST = ["Ahrens", "Bäcker", "Engel", "Groß", "Jäger", "Köhler", "Müller", "Öztürk", "Schäfer", "Voß", "Weiß", "Wójcik"]


def fill(members):
    """Adds content without the mail that a subscription causes."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.member import MemberRole
    from mailman.interfaces.usermanager import IUserManager
    from zope.component import getUtility

    getUtility(IDomainManager).add(DOMAIN)
    users = getUtility(IUserManager)
    news, staff = (create_list(f"{name}@{DOMAIN}") for name in ("news", "staff"))
    for number in range(1, members + 1):
        user = users.create_user(f"m{number:04}@company.example", f"{FIRST[number % len(FIRST)]} {LAST[number * 7 % len(LAST)]}")
        news.subscribe(next(iter(user.addresses)), send_welcome_message=False)
    owner = users.create_user(f"owner@{DOMAIN}", "Käthe Groß")
    owner.password = config.password_context.encrypt("a password of the owner")
    staff.subscribe(next(iter(owner.addresses)), MemberRole.owner, send_welcome_message=False)
    config.db.commit()


class Client:
    """The REST interface as an administrator uses it."""

    def __init__(self, url, password):
        self.base = f"{url}/3.1"
        self.authorization = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()

    def send(self, method, path, form=None):
        """The answer's JSON; none if it is empty or 404."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.base + path, method=method, data=data, headers={"Authorization": self.authorization})
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return json.loads(text) if text else None


def obey(client, words):
    order, arguments = words[:1], [urllib.parse.quote(word) for word in words[1:]]
    match order + [len(arguments)]:
        case ["show", 2]:
            member = client.send("GET", f"/lists/{arguments[0]}/member/{arguments[1]}")
            environment.say({"member": member and shown(member)})
        case ["count", 1]:
            environment.say({"count": client.send("GET", f"/lists/{arguments[0]}/roster/member?count=1&page=1")["total_size"]})
        case ["unsubscribe", 2]:
            client.send("DELETE", f"/lists/{arguments[0]}/member/{arguments[1]}")
            environment.say({"unsubscribed": words[2]})
        case ["ban", 2]:
            client.send("POST", f"/lists/{arguments[0]}/bans", {"email": words[2]})
            environment.say({"banned": words[2]})
        case _:
            environment.say({"error": "known are: show LIST ADDRESS, count LIST, unsubscribe LIST ADDRESS, ban LIST ADDRESS"})


def shown(member):
    return {name: member.get(name) for name in ("email", "display_name", "delivery_mode")} | {"id": member["member_id"]}


if __name__ == "__main__":
    main()
