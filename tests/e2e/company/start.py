#!/usr/bin/env python3
"""Starts a whole company with invented content on 127.0.0.1 and stops it when standard input closes: an address book (Radicale), an ERP (Tryton), a ticket
tracker (Roundup), a warehouse (PostgreSQL).

    start.py [--cache FOLDER] [--ports FIRST] [--secrets FOLDER] [--customers N] [--tickets M]

Each system is started by the script of its own folder, all at once. Customers K1, K2, … are cards of the address book, by their UID, and parties of the ERP, by
their code. When all answer, one line of JSON goes to standard output: what each of contacts, erp, tickets and warehouse tells, without its secret, which
goes into FOLDER, in a file of that name.
Orders on standard input, one a line, each answered with one line of JSON: the system and what its script understands.
    contacts rename 7 Zoë Neumann
    erp show K7
"""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

SECRETS = ("key", "password")
# What a web shop keeps: who said yes to which newsletter, and when no longer.
SHOP = """
    CREATE SCHEMA shop;
    GRANT USAGE ON SCHEMA shop TO hub;
    CREATE TABLE shop.consents (proof text PRIMARY KEY, customer text NOT NULL, scope text NOT NULL, status text NOT NULL, at timestamptz NOT NULL);
    GRANT SELECT ON shop.consents TO hub;
    INSERT INTO shop.consents VALUES
        ('doi-2026-02-11-7', 'K3', 'newsletter-v3', 'given', '2026-02-11T09:30:00Z'),
        ('mail-2026-08-02-1', 'K3', 'newsletter-v3', 'withdrawn', '2026-08-02T17:05:00Z'),
        ('doi-2023-05-20-2', 'K5', 'newsletter-v2', 'given', '2023-05-20T11:00:00Z')
""".replace("\n", " ")


def main():
    options = parse_options()
    systems = {}
    try:
        for place, (name, (script, arguments)) in enumerate(parts(options).items()):
            port = ["--port", str(options.ports + place)] if options.ports else []
            systems[name] = System(script, [*arguments, *port], options.cache)
        told = {name: system.told(options.secrets / name) for name, system in systems.items()}
        systems["warehouse"].order(f"sql {SHOP}")
        environment.say(told)
        for line in sys.stdin:
            name, _, order = line.strip().partition(" ")
            known = ", ".join(systems)
            environment.say(systems[name].order(order) if name in systems and order else {"error": f"an order begins with one of {known}"})
    finally:
        for system in systems.values():
            system.stop()


def parse_options():
    parser = environment.parser(__doc__, "the Python environments and the prepared database")
    parser.add_argument("--ports", type=int, default=0, metavar="FIRST", help="the first of four ports on 127.0.0.1 (default: free ones)")
    parser.add_argument("--secrets", type=pathlib.Path, required=True, help="folder for passwords and keys, made if it is not there")
    parser.add_argument("--customers", type=int, default=12, help="how many customers (default 12)")
    parser.add_argument("--tickets", type=int, default=20, help="how many tickets (default 20)")
    options = parser.parse_args()
    options.secrets.mkdir(parents=True, exist_ok=True)
    return options


def parts(options):
    """By name: the folder of the script, and its arguments."""
    return {
        "contacts": ("radicale", ["--cards", str(options.customers), "--uid", "K"]),
        "erp": ("tryton", ["--parties", str(options.customers)]),
        "tickets": ("roundup", ["--issues", str(options.tickets), "--users", "5", "--property", "customer"]),
        "warehouse": ("postgres", []),
    }


class System:
    """A started script, told what to do line by line."""

    def __init__(self, script, arguments, cache):
        self.script = pathlib.Path(__file__).resolve().parents[1] / script / "start.py"
        command = [sys.executable, str(self.script), *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env={**os.environ, environment.CACHE: str(cache)}, text=True, **pipes)

    def told(self, secret):
        """What it says at its start; the secret goes into that file, which only its owner may read."""
        answer = self.answer()
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(next(answer.pop(word) for word in SECRETS if word in answer))
        return answer

    def order(self, order):
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.script} ended")
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


if __name__ == "__main__":
    main()
