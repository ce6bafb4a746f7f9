"""What the scripts of this folder share: a Python environment with the packages of a system, made once and kept, and the options that name it."""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import venv

CACHE = "HUB_E2E_CACHE"
INSIDE = "HUB_E2E_INSIDE"


def parser(about, kept="the Python environment"):
    """The parser of a script whose documentation is `about`, with the options that name the cache and the port."""
    made = plain_parser(about)
    add_cache(made, kept)
    made.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    return made


def add_cache(parser, kept):
    """The option that names the cache."""
    default = os.environ.get(CACHE) or pathlib.Path.home() / ".cache" / "hub-e2e"
    parser.add_argument("--cache", type=pathlib.Path, default=default, help=f"folder that keeps {kept}")


def plain_parser(about):
    """The parser of a script whose documentation is `about`."""
    return argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)


def say(answer):
    """One line of JSON on standard output."""
    print(json.dumps(answer, ensure_ascii=False), flush=True)


@contextlib.contextmanager
def locked(cache):
    """Keeps two starts from making the same thing at once."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def enter(script, folder, packages):
    """Goes on only in the Python of `folder`, which has `packages`; elsewhere it makes that and runs the script again in it."""
    if os.environ.get(INSIDE) == "1":
        return
    done = folder / "complete"
    with locked(folder.parent):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
            if subprocess.run(pip, stdout=sys.stderr).returncode != 0:
                sys.exit(f"{' '.join(packages)} could not be installed into {folder}: is the package index reachable?")
            done.touch()
    os.environ[INSIDE] = "1"
    python = str(folder / "bin" / "python")
    os.execv(python, [python, script, *sys.argv[1:]])
