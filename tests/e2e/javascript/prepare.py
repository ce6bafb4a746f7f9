#!/usr/bin/env python3
"""Makes the packages of the JavaScript SDK available to sdk/js and to the connectors that are written with it.

    prepare.py [--cache FOLDER]

Node 18.19 or later and npm must be there (Debian: apt-get install nodejs npm). FOLDER (or HUB_E2E_CACHE, else ~/.cache/hub-e2e) keeps the packages between runs and
clones, for each package-lock.json anew; making it needs npm's registry once. sdk/js/node_modules becomes a link to them, unless somebody has run `npm ci` there;
node_modules/hub-sdk of each connector with a package.json becomes a link to sdk/js. One line of JSON goes to standard output: {"sdk", "connectors": [NAME, …]}.
"""
import hashlib
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import environment

SDK = ROOT / "sdk/js"
OLDEST = (18, 19)


def main():
    parser = environment.plain_parser(__doc__)
    environment.add_cache(parser, "the packages")
    options = parser.parse_args()
    check_node()
    with environment.locked(options.cache):
        modules = installed(options.cache)
        link(SDK / "node_modules", modules)
        connectors = sorted(path.parent for path in (ROOT / "connectors").glob("*/package.json"))
        for connector in connectors:
            (connector / "node_modules").mkdir(exist_ok=True)
            link(connector / "node_modules/hub-sdk", SDK)
    environment.say({"sdk": str(SDK), "connectors": [connector.name for connector in connectors]})


def check_node():
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found: apt-get install nodejs npm")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    version = tuple(int(part) for part in told.lstrip("v").split(".")[:2])
    if version < OLDEST:
        sys.exit(f"node is {told}: the SDK needs {'.'.join(map(str, OLDEST))} or later")


def installed(cache):
    """The folder with the packages that package-lock.json names."""
    lock = SDK / "package-lock.json"
    folder = cache / f"hub-sdk-js-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SDK / name, folder / name)
        if subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, stdout=sys.stderr).returncode != 0:
            sys.exit(f"the packages of {lock} could not be installed into {folder}: is npm's registry reachable?")
        done.touch()
    return folder / "node_modules"


def link(place, target):
    """A link is made anew, a folder that somebody installed is left alone."""
    if place.is_symlink():
        if place.resolve() == target.resolve():
            return
        place.unlink()
    if not place.exists():
        place.symlink_to(target)


if __name__ == "__main__":
    main()
