#!/usr/bin/env python3
"""Starts a real PostgreSQL with an empty database on 127.0.0.1 and stops it when standard input closes.

    start.py [--port PORT]

The server's programs must be there (Debian: apt-get install postgresql). When the server answers, one line of JSON goes to standard output: {"url", "password"}.
The role in the address may make tables in the database and nothing else. Everything lives in a temporary folder.
Order on standard input, one a line, answered with one line:
    sql STATEMENT    runs it as the superuser: {"rows": [[TEXT, …], …]}, or {"error"}
"""
import csv
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

DATABASE = "warehouse"
ROLE = "hub"
ACCOUNT = "postgres"


def main():
    parser = environment.plain_parser(__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    options = parser.parse_args()
    home = pathlib.Path(tempfile.mkdtemp(prefix="hub-postgres-"))
    try:
        run(Server(home, options.port or free_port()))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def programs():
    """Debian keeps them by version; others in a folder for all programs."""
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    usual = [pathlib.Path(folder) for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")]
    found = [folder for folder in usual + versions if (folder / "initdb").is_file()]
    if not found:
        sys.exit("PostgreSQL is missing: apt-get install postgresql")
    return found[-1]


class Server:
    """A cluster of its own."""

    def __init__(self, home, port):
        self.home, self.port, self.programs = home, port, programs()
        if os.geteuid() == 0:
            # The server refuses to run as root.
            shutil.chown(home, ACCOUNT)

    def command(self, program, *arguments):
        become = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"] if os.geteuid() == 0 else []
        return [*become, str(self.programs / program), *map(str, arguments)]

    def make(self):
        options = ["--no-sync", "--auth-host=scram-sha-256", "--auth-local=trust", "-U", ACCOUNT, "-E", "UTF8", "--locale=C"]
        made = subprocess.run(self.command("initdb", *options, "-D", self.home / "data"), cwd=self.home, capture_output=True, text=True)
        if made.returncode != 0:
            sys.exit(f"initdb failed:\n{made.stderr}")

    def serve(self):
        command = self.command("postgres", "-D", self.home / "data", "-k", self.home, "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
        with open(self.home / "log", "wb") as log:
            process = subprocess.Popen(command, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while subprocess.run([str(self.programs / "pg_isready"), "-q", "-h", str(self.home), "-p", str(self.port)]).returncode != 0:
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"PostgreSQL did not start:\n{(self.home / 'log').read_text()}")
            time.sleep(0.05)
        return process

    def sql(self, statement, database=DATABASE):
        """The rows as text, or the server's message."""
        command = [str(self.programs / "psql"), "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-U", ACCOUNT, "-d", database, "-h", str(self.home), "-p", str(self.port)]
        done = subprocess.run(command, input=statement, capture_output=True, text=True)
        if done.returncode != 0:
            return {"error": done.stderr.strip()}
        return {"rows": list(csv.reader(done.stdout.splitlines()))}


def run(server):
    server.make()
    process = server.serve()
    try:
        password = secrets.token_hex(16)
        for statement, database in [
            (f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'", ACCOUNT),
            (f"CREATE DATABASE {DATABASE}", ACCOUNT),
            (f"GRANT CREATE ON SCHEMA public TO {ROLE}", DATABASE),
        ]:
            answer = server.sql(statement, database)
            if "error" in answer:
                sys.exit(f"the database could not be made: {answer['error']}")
        environment.say({"url": f"postgres://{ROLE}@127.0.0.1:{server.port}/{DATABASE}", "password": password})
        for line in sys.stdin:
            order, _, statement = line.strip().partition(" ")
            environment.say(server.sql(statement) if order == "sql" and statement else {"error": "known is: sql STATEMENT"})
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


if __name__ == "__main__":
    main()
