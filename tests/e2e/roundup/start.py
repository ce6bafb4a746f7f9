#!/usr/bin/env python3
"""Starts a real Roundup 2.6 tracker with invented content on 127.0.0.1 and stops it when standard input closes.

    start.py [--cache FOLDER] [--port PORT] [--issues N] [--users M] [--property NAME]

FOLDER (or HUB_E2E_CACHE, else ~/.cache/hub-e2e) keeps the Python environment between runs; making it needs the package index once.
When the tracker answers, one line of JSON goes to standard output: {"url", "user", "password", "issues", "users"}. The tracker itself lives
in a temporary folder. Dates of change are spread over the minutes before 2026-01-01: the same for the same N.
A line `touch ID` on standard input changes the title of that issue and is answered with {"touched": ID}; `show ID` is answered with
{"issue": {"title", "status", "activity"}}, or null for the issue, and with the further property, if the tracker has one.
"""
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

VERSION = "2.6.0"


def main():
    options = parse_options()
    environment.enter(__file__, options.cache / f"roundup-{VERSION}", [f"roundup=={VERSION}"])
    home = pathlib.Path(tempfile.mkdtemp(prefix="hub-roundup-"))
    try:
        run(home / "tracker", options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def parse_options():
    parser = environment.parser(__doc__)
    parser.add_argument("--issues", type=int, default=120, help="how many issues (default 120)")
    parser.add_argument("--property", help="a property of text that issues have beyond those of the classic template")
    parser.add_argument("--users", type=int, default=30, help="how many users besides the two that every tracker has (default 30)")
    options = parser.parse_args()
    if options.issues < 0 or options.users < 1:
        parser.error("--issues must be at least 0 and --users at least 1: issues are assigned to users")
    return options


def run(home, options):
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
    from socketserver import ThreadingMixIn

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    server = make_server("127.0.0.1", options.port, None, server_class=Server, handler_class=Quiet)
    url = f"http://127.0.0.1:{server.server_port}/tracker/"
    password = secrets.token_hex(16)
    create(home, url, password, options.property)
    fill(home, options.issues, options.users)
    server.set_app(mounted(home))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment.say({"url": url, "user": "admin", "password": password, "issues": options.issues, "users": options.users + 2})
    for line in sys.stdin:
        obey(home, options.property, line.split())
    server.shutdown()


def create(home, url, password, more):
    """Installs the classic template. Roundup's own server refuses to run as root, its WSGI handler does not: hence no roundup-server."""
    admin("-i", home, "install", "classic", "sqlite")
    config = home / "config.ini"
    text = config.read_text()
    wanted = {
        "#web = NO DEFAULT": f"web = {url}",
        "#domain = NO DEFAULT": "domain = tracker.example",
        "#host = NO DEFAULT": "host = localhost",
        # Mail goes nowhere.
        "\ndebug = \n": f"\ndebug = {os.devnull}\n",
        # Every request carries the password; the default costs a tenth of a second each.
        "password_pbkdf2_default_rounds = 250000": "password_pbkdf2_default_rounds = 10000",
    }
    for old, new in wanted.items():
        if old not in text:
            sys.exit(f"the tracker's config.ini has no `{old.strip()}`: is this Roundup {VERSION}?")
        text = text.replace(old, new)
    config.write_text(text)
    if more:
        schema = home / "schema.py"
        classic = 'issue = IssueClass(db, "issue",\n'
        if classic not in schema.read_text():
            sys.exit(f"the tracker's schema.py has no `{classic.strip()}`: is this Roundup {VERSION}?")
        schema.write_text(schema.read_text().replace(classic, f"{classic}                {more}=String(),\n"))
    admin("-i", home, "initialise", password)


def admin(*arguments):
    command = [sys.executable, "-m", "roundup.scripts.roundup_admin", *map(str, arguments)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"roundup-admin failed:\n{result.stdout}{result.stderr}")


FIRST = ["Anna", "Björn", "Çağla", "Dörte", "Emil", "Fatma", "Jörg", "Käthe", "Lukas", "Mareike", "Søren", "Zoë"]
LAST = ["Ahrens", "Bäcker", "Engel", "Groß", "Jäger", "Köhler", "Müller", "Öztürk", "Schäfer", "Voß", "Weiß", "Wójcik"]
TITLES = ["Drucker meldet Papierstau", "Anmeldung schlägt fehl", "Lieferschein ohne Anschrift", "Bericht zeigt falsche Summe", "Lager: Bestand weicht ab"]


def fill(home, issues, users):
    """Adds content without detectors (mail, checks): they would take most of the time."""
    from roundup import date, instance

    database = instance.open(str(home)).open("admin")
    try:
        for kind in database.classes.values():
            for event in kind.auditors:
                kind.auditors[event] = type(kind.auditors[event])()
                kind.reactors[event] = type(kind.reactors[event])()
        people = [add_user(database, number) for number in range(1, users + 1)]
        for number in range(1, issues + 1):
            person = people[number % len(people)]
            message = database.msg.create(author=person, date=date.Date("2026-01-01"), summary="Meldung", content=f"Meldung {number}", recipients=[])
            database.issue.create(
                title=f"{TITLES[number % len(TITLES)]} ({number})",
                status=str(1 + number % 8),
                priority=str(1 + number % 5),
                assignedto=person,
                nosy=[person, people[0]],
                messages=[message],
            )
        spread(database, "issue")
        spread(database, "user")
        database.commit()
    finally:
        database.close()


def add_user(database, number):
    first, last = FIRST[number % len(FIRST)], LAST[number * 7 % len(LAST)]
    return database.user.create(
        username=f"user{number}",
        realname=f"{first} {last}",
        address=f"user{number}@example.org",
        phone=f"+49 30 23125 {number % 1000:03}",
        roles="User",
        **({"organisation": "Beispiel GmbH"} if number % 2 else {}),
    )


def spread(database, kind):
    """One change a minute, the last one just before 2026-01-01."""
    import datetime

    database.sql(f"select id from _{kind} order by id")
    ids = sorted(int(row[0]) for row in database.cursor.fetchall())
    end = datetime.datetime(2026, 1, 1)
    for position, number in enumerate(ids):
        moment = (end - datetime.timedelta(minutes=len(ids) - position)).strftime("%Y%m%d%H%M%S.000")
        database.sql(f"update _{kind} set _activity = ?, _creation = ? where id = ?", (moment, moment, number))


def mounted(home):
    """The tracker below /tracker, where its configured address says."""
    from roundup.cgi.wsgi_handler import RequestDispatcher

    tracker = RequestDispatcher(str(home))

    def application(request, start_response):
        path = request["PATH_INFO"]
        if path.startswith("/tracker/"):
            request["SCRIPT_NAME"], request["PATH_INFO"] = "/tracker", path[len("/tracker"):]
        return tracker(request, start_response)

    return application


def obey(home, more, words):
    from roundup import instance

    if len(words) != 2 or words[0] not in ("touch", "show") or not words[1].isdigit():
        return environment.say({"error": "known are: touch ID, show ID"})
    database = instance.open(str(home)).open("admin")
    try:
        if words[0] == "show":
            return environment.say({"issue": shown(database, words[1], more)})
        if not database.issue.hasnode(words[1]):
            return environment.say({"error": f"there is no issue {words[1]}"})
        database.issue.set(words[1], title=f"{database.issue.get(words[1], 'title')} *")
        database.commit()
    finally:
        database.close()
    environment.say({"touched": int(words[1])})


def shown(database, number, more):
    if not database.issue.hasnode(number):
        return None
    issue = database.issue.getnode(number)
    status = database.status.get(issue.status, "name") if issue.status else None
    return {"title": issue.title, "status": status, "activity": str(issue.activity)} | ({more: issue[more]} if more else {})


if __name__ == "__main__":
    main()
