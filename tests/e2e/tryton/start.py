#!/usr/bin/env python3
"""Starts a real Tryton 8.2 with invented content on 127.0.0.1 and stops it when standard input closes.

    start.py [--cache FOLDER] [--port PORT] [--parties N] [--documents N]

FOLDER (or HUB_E2E_CACHE, else ~/.cache/hub-e2e) keeps the Python environment and a prepared database between runs; making them needs the package index
once. When the server answers, one line of JSON goes to standard output: {"url", "key", "parties"}; "key" is that of a user application. The database is a copy
in a temporary folder. Each party has one address and one contact mechanism. --documents makes so many sales, S1, S2, …, and as many invoices, with two lines each,
for the parties in turn, and a company that they belong to. Dates of change are spread over the minutes before 2026-01-01, except that every fourth record was never
changed: the same for the same N.
Orders on standard input, one a line, each answered with one line:
    touch CODE         changes the name of the party with that code: {"touched": CODE}
    rename CODE NAME   gives it another name: {"renamed": CODE}
    change S1          changes the description of the sale with that reference: {"changed": "S1"}
    show CODE          {"party": {"name", "active", "contacts": [[TYPE, VALUE], …]}}, or null for the party
    extend CODE        activates a module of the company's own, which gives parties a date of birth, and fills it in: {"extended": "date_of_birth"}
"""
import datetime
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

PACKAGES = ["trytond==8.2.1", "trytond-party==8.2.0", "trytond-account==8.2.1", "trytond-account-invoice==8.2.0", "trytond-sale==8.2.0"]
DATABASE = "company"


def main():
    options = parse_options()
    environment.enter(__file__, home_of(options.cache), PACKAGES)
    home = pathlib.Path(tempfile.mkdtemp(prefix="hub-tryton-"))
    try:
        shutil.copy(prepared(options.cache), home / f"{DATABASE}.sqlite")
        run(home, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def parse_options():
    parser = environment.parser(__doc__, "the Python environment and the prepared database")
    parser.add_argument("--parties", type=int, default=120, help="how many parties (default 120)")
    parser.add_argument("--documents", type=int, default=0, help="how many sales and how many invoices (default 0)")
    options = parser.parse_args()
    if options.parties < 0:
        parser.error("--parties must be at least 0")
    if options.documents < 0 or (options.documents > 0 and options.parties == 0):
        parser.error("--documents must be at least 0, and 0 without parties")
    return options


def home_of(cache):
    """One folder for each set of packages."""
    packages = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    return cache / f"{PACKAGES[0].replace('trytond==', 'tryton-')}-{packages}"


def prepared(cache):
    """A database with the modules and nothing in it. It takes a minute and is made once."""
    kept = home_of(cache) / f"{DATABASE}.sqlite"
    with environment.locked(cache):
        if not kept.exists():
            with tempfile.TemporaryDirectory(prefix="hub-tryton-") as folder:
                made = pathlib.Path(folder) / f"{DATABASE}.sqlite"
                made.touch()
                secret = pathlib.Path(folder) / "password"
                secret.write_text("nobody logs in\n")
                command = [sys.executable, "-c", "import sys; from trytond.cli.admin import main; sys.exit(main())"]
                command += ["-c", str(settings(folder)), "-d", DATABASE, "-u", "party", "sale", "account_invoice", "--activate-dependencies", "--email", "admin@company.example", "-p"]
                result = subprocess.run(command, env={**os.environ, "TRYTONPASSFILE": str(secret)}, capture_output=True, text=True)
                if result.returncode != 0:
                    sys.exit(f"trytond-admin failed:\n{result.stdout}{result.stderr}")
                shutil.copy(made, kept.with_suffix(".new"))
                kept.with_suffix(".new").rename(kept)
    return kept


def settings(folder):
    path = pathlib.Path(folder) / "trytond.conf"
    path.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n")
    return path


OWN_MODULE = "birthdays"


def module(home):
    """A module as a company writes it for itself, installed in a folder; nothing is activated."""
    folder = home / "modules"
    code, told = folder / f"hub_{OWN_MODULE}", folder / f"hub_{OWN_MODULE}-8.2.0.dist-info"
    texts = {
        code / "__init__.py": "",
        code / "tryton.cfg": "[tryton]\nversion=8.2.0\ndepends:\n    party\n\n[register]\nmodel:\n    party.Party\n",
        code / "party.py": PARTY,
        told / "METADATA": f"Metadata-Version: 2.1\nName: hub-{OWN_MODULE}\nVersion: 8.2.0\n",
        told / "entry_points.txt": f"[trytond.modules]\n{OWN_MODULE} = hub_{OWN_MODULE}\n",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


PARTY = """
from trytond.model import fields
from trytond.pool import PoolMeta


class Party(metaclass=PoolMeta):
    __name__ = "party.party"
    date_of_birth = fields.Date("Date of Birth")
"""


def run(home, options):
    from trytond import config

    config.update_etc([str(settings(home))])
    sys.path.insert(0, str(module(home)))
    # Starts the pool: the configuration and the modules must be there before.
    from trytond.application import app
    from trytond.pool import Pool
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_):
            pass

    pool = Pool(DATABASE)
    pool.init()
    key = fill(pool, options.parties)
    if options.documents:
        make_documents(pool, options.documents, options.parties)
    spread(home, {table: options.parties for table in PARTY_TABLES} | {table: options.documents for table in DOCUMENT_TABLES})
    server = make_server("127.0.0.1", options.port, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment.say({"url": f"http://127.0.0.1:{server.server_port}/{DATABASE}/", "key": key, "parties": options.parties})
    for line in sys.stdin:
        obey(pool, line.split())
    server.shutdown()


FIRST = ["Anna", "Björn", "Çağla", "Dörte", "Emil", "Fatma", "Jörg", "Käthe", "Lukas", "Mareike", "Søren", "Zoë"]
LAST = ["Ahrens", "Bäcker", "Engel", "Groß", "Jäger", "Köhler", "Müller", "Öztürk", "Schäfer", "Voß", "Weiß", "Wójcik"]
CITIES = [("30159", "Hannover"), ("50667", "Köln"), ("20095", "Hamburg"), ("04109", "Leipzig"), ("80331", "München")]


def fill(pool, count):
    """Parties with the codes K1, K2, …; the key of a user application."""
    from trytond.transaction import Transaction

    with Transaction().start(DATABASE, 1):
        pool.get("party.party").create([party(number) for number in range(1, count + 1)])
        application, = pool.get("res.user.application").create([{"user": 1, "application": "rest", "state": "validated"}])
        return application.key


def party(number):
    postal_code, city = CITIES[number % len(CITIES)]
    contact = {"type": "email", "value": f"k{number}@company.example"}
    if number % 3 == 0:
        contact = {"type": "phone", "value": f"+49 30 23125 {number % 1000:03}"}
    return {
        "code": f"K{number}",
        "name": f"{FIRST[number % len(FIRST)]} {LAST[number * 7 % len(LAST)]}",
        "active": number % 10 != 0,
        "addresses": [("create", [{"street": f"Hafenstraße {number}", "postal_code": postal_code, "city": city}])],
        "contact_mechanisms": [("create", [contact])],
    }


def make_documents(pool, count, parties):
    """A company, and so many sales and invoices in the state of drafts, for which no chart of accounts is needed."""
    from decimal import Decimal
    from trytond.transaction import Transaction

    get = pool.get
    with Transaction().start(DATABASE, 1):
        rates = [("create", [{"date": datetime.date(2020, 1, 1), "rate": Decimal(1)}])]
        currency, = get("currency.currency").create([{"name": "Euro", "code": "EUR", "symbol": "€", "rates": rates}])
        own, = get("party.party").create([{"name": "Muster GmbH", "code": "OWN"}])
        company, = get("company.company").create([{"party": own.id, "currency": currency.id}])
        get("res.user").write([get("res.user")(1)], {"companies": [("add", [company.id])], "company": company.id})
    with Transaction().start(DATABASE, 1, context={"company": company.id}):
        kinds = [{"name": "Receivable", "statement": "balance", "assets": True, "receivable": True}, {"name": "Revenue", "statement": "income", "revenue": True}]
        kinds = get("account.account.type").create([{**kind, "company": company.id} for kind in kinds])
        accounts = [{"name": "Receivable", "party_required": True, "reconcile": True}, {"name": "Revenue"}]
        accounts = [{**account, "code": kind.name, "company": company.id, "type": kind.id} for account, kind in zip(accounts, kinds)]
        receivable, revenue = get("account.account").create(accounts)
        journal, = get("account.journal").search([("type", "=", "revenue")])
        common = {"company": company.id, "currency": currency.id}
        of_invoice = {"type": "out", "account": receivable.id, "journal": journal.id}
        parties = get("party.party").search([("code", "like", "K%")], order=[("id", "ASC")])
        for number in range(1, count + 1):
            party = parties[number % len(parties)]
            date = datetime.date(2025, 1, 1) + datetime.timedelta(days=number)
            document = {**common, "party": party.id, "invoice_address": party.addresses[0].id, "reference": f"S{number}"}
            get("sale.sale").create([{**document, "sale_date": date, "lines": [("create", lines(number))]}])
            of_account = [{**line, "account": revenue.id} for line in lines(number)]
            get("account.invoice").create([{**document, **of_invoice, "invoice_date": date, "lines": [("create", of_account)]}])


def lines(number):
    from decimal import Decimal

    return [
        {"type": "line", "description": "Schäkel 12 mm", "quantity": number, "unit_price": Decimal("4.1050")},
        {"type": "line", "description": "Tau, 30 m", "quantity": 2, "unit_price": Decimal("19.90")},
    ]


PARTY_TABLES = ["party_party", "party_address", "party_contact_mechanism"]
DOCUMENT_TABLES = ["sale_sale", "account_invoice"]


def spread(home, counts):
    """One change a minute, the last one just before 2026-01-01; every fourth record was never changed. Twelve records share each moment."""
    import sqlite3

    end = datetime.datetime(2026, 1, 1)
    database = sqlite3.connect(home / f"{DATABASE}.sqlite")
    for table, count in counts.items():
        for number, in database.execute(f"select id from {table} order by id").fetchall():
            moment = (end - datetime.timedelta(minutes=(count - number) // 12 + 1, microseconds=1)).isoformat(" ")
            written = None if number % 4 == 0 else moment
            database.execute(f"update {table} set create_date = ?, write_date = ? where id = ?", (moment, written, number))
    database.commit()
    database.close()


def obey(pool, words):
    from trytond.transaction import Transaction

    order, code, names = words[0] if words else "", words[1] if len(words) > 1 else "", words[2:]
    if order not in ("touch", "rename", "change", "show", "extend") or not code or bool(names) != (order == "rename"):
        return environment.say({"error": "known are: touch CODE, rename CODE NAME, change REFERENCE, show CODE, extend CODE"})
    if order == "change":
        return change(pool, code)
    if order == "extend":
        activate()
    with Transaction().start(DATABASE, 1, context={"active_test": False}):
        parties = pool.get("party.party")
        found = parties.search([("code", "=", code)])
        if order == "show":
            return environment.say({"party": shown(found[0]) if found else None})
        if not found:
            return environment.say({"error": f"there is no party {code}"})
        changes = {
            "touch": ({"name": f"{found[0].name} *"}, {"touched": code}),
            "rename": ({"name": " ".join(names)}, {"renamed": code}),
            "extend": ({"date_of_birth": datetime.date(1980, 5, 17)}, {"extended": "date_of_birth"}),
        }
        values, answer = changes[order]
        parties.write(found, values)
    environment.say(answer)


def activate():
    """As an administrator does it; twice is no harm."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    with Transaction().start(DATABASE, 1):
        modules = Pool(DATABASE).get("ir.module")
        modules.update_list()
        modules.activate(modules.search([("name", "=", OWN_MODULE), ("state", "=", "not activated")]))
    Pool.stop(DATABASE)
    Pool(DATABASE).init(update=[OWN_MODULE])


def change(pool, reference):
    from trytond.transaction import Transaction

    with Transaction().start(DATABASE, 1):
        sale, = pool.get("sale.sale").search([("reference", "=", reference)])
        pool.get("sale.sale").write([sale], {"description": "express"})
    environment.say({"changed": reference})


def shown(party):
    contacts = sorted([contact.type, contact.value] for contact in party.contact_mechanisms)
    return {"name": party.name, "active": bool(party.active), "contacts": contacts}


if __name__ == "__main__":
    main()
