#!/usr/bin/env python3
"""Starts DuckDB, a reader of Parquet that shares no code with hub, and stops it when standard input closes.

    start.py [--cache FOLDER]

FOLDER (or HUB_E2E_CACHE, else ~/.cache/hub-e2e) keeps the Python environment between runs; making it needs the package index once. When it is ready, one line of
JSON goes to standard output: {"version"}. Each line of standard input is a query, answered with one line: {"columns": [[NAME, TYPE], …], "rows": [[TEXT or null, …], …]},
or {"error"}. Times are shown in UTC.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import environment

QUOTE = '"'
PACKAGES = ["duckdb==2.0.1"]


def main():
    options = environment.parser(__doc__).parse_args()
    environment.enter(__file__, options.cache / PACKAGES[0].replace("==", "-"), PACKAGES)
    import duckdb

    say({"version": duckdb.__version__})
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for query in sys.stdin:
            say(answer(database, query))


def answer(database, query):
    import duckdb

    try:
        # Texts are made by DuckDB itself: a value that Python could not hold must not be rounded on its way.
        found = database.sql(query)
        columns = [[name, str(kind)] for name, kind in zip(found.columns, found.types)]
        texts = ", ".join(f'CAST("{name.replace(QUOTE, QUOTE * 2)}" AS VARCHAR)' for name, _ in columns)
        return {"columns": columns, "rows": found.project(texts).fetchall()}
    except duckdb.Error as error:
        return {"error": str(error)}


def say(line):
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
