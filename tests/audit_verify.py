#!/usr/bin/env python3
"""A second verifier of hub's audit log, written from the formats alone (RFC 6962, RFC 8032, C2SP signed-note and tlog-checkpoint).

    audit_verify.py export FILE KEY [ANCHORS]...
    audit_verify.py proof FILE KEY

KEY is the line that `hub audit key` prints. Needs nothing but Python's own library. Exit code 0: it holds; 4: it does not; 2: a wrong call.
"""

import base64
import hashlib
import json
import re
import sys


class Untrue(Exception):
    """Something does not hold."""


def hold(is_true, why):
    if not is_true:
        raise Untrue(why)


# Ed25519, RFC 8032 section 5.1. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.
FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, FIELD) % FIELD
ROOT_OF_MINUS_ONE = pow(2, (FIELD - 1) // 4, FIELD)


def x_of(y, is_odd):
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * ROOT_OF_MINUS_ONE % FIELD
    hold(x * x % FIELD == square and not (x == 0 and is_odd), "a key or signature is no point of the curve")
    return FIELD - x if x % 2 != is_odd else x


def point(octets):
    number = int.from_bytes(octets, "little")
    y, is_odd = number % 2**255, number >> 255
    hold(y < FIELD, "a key or signature is no point of the curve")
    x = x_of(y, is_odd)
    return x, y, 1, x * y % FIELD


def plus(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % FIELD, (p[1] + p[0]) * (q[1] + q[0]) % FIELD
    c, d = 2 * CURVE * p[3] * q[3] % FIELD, 2 * p[2] * q[2] % FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def times(number, p):
    sum_ = (0, 1, 1, 0)
    for bit in bin(number)[2:]:
        sum_ = plus(sum_, sum_)
        if bit == "1":
            sum_ = plus(sum_, p)
    return sum_


BASE_Y = 4 * pow(5, -1, FIELD) % FIELD
BASE = (x_of(BASE_Y, 0), BASE_Y, 1, x_of(BASE_Y, 0) * BASE_Y % FIELD)


def is_signed(public, text, signature):
    factor = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or factor >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + text).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left, right = times(factor, BASE), plus(point(signature[:32]), times(challenge, point(public)))
    same = lambda axis: (left[axis] * right[2] - right[axis] * left[2]) % FIELD == 0
    return same(0) and same(1)


# Notes.
def key(text):
    name, identifier, encoded = text.strip().split("+", 2)
    octets = base64.b64decode(encoded, validate=True)
    hold(len(octets) == 33 and octets[0] == 1, "the key is of another kind")
    made = hashlib.sha256(name.encode() + b"\n" + octets).digest()[:4]
    hold(made.hex() == identifier, "the key's id is not of the key")
    return name, made, octets[1:]


def head(note, verifier):
    """Size and root that a note signs."""
    name, identifier, public = verifier
    body, separator, signatures = note.partition("\n\n")
    lines = body.split("\n")
    hold(separator and len(lines) >= 3 and lines[0] == name, "the note has another form, or is of another log")
    hold(re.fullmatch("0|[1-9][0-9]*", lines[1]), "the note's size is no number")
    for line in signatures.splitlines():
        hold(re.fullmatch("\u2014 [^ ]+ [A-Za-z0-9+/=]+", line), "a signature has another form")
        signer, signature = line[2:].split(" ")
        octets = base64.b64decode(signature, validate=True)
        if signer == name and octets[:4] == identifier:
            hold(is_signed(public, (body + "\n").encode(), octets[4:]), "the signature is not of the key")
            return int(lines[1]), base64.b64decode(lines[2], validate=True)
    raise Untrue("the note is not signed with the key")


# The tree.
def leaf(octets):
    return hashlib.sha256(b"\x00" + octets).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def cut(fields):
    """Where an entry says that the log was pruned, and the root there."""
    if fields["kind"] == "audit.pruned":
        found = re.match("to ([0-9]+) root ([0-9a-f]{64}):", fields["detail"])
        return int(found[1]), bytes.fromhex(found[2])
    return None


class Tree:
    """Roots of full subtrees, the largest first, each with its number of leaves."""

    @staticmethod
    def begun(size, roots):
        """The tree over what was pruned."""
        tree = Tree()
        widths = [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
        hold(len(widths) == len(roots) and all(len(root) == 32 for root in roots), "the edge does not fit the first entry")
        tree.size, tree.parts = size, list(zip(widths, roots))
        return tree

    def __init__(self):
        self.size, self.parts = 0, []

    def add(self, hash_):
        self.size += 1
        width = 1
        while self.parts and self.parts[-1][0] == width:
            hash_ = node(self.parts.pop()[1], hash_)
            width *= 2
        self.parts.append((width, hash_))

    def root(self):
        if not self.parts:
            return hashlib.sha256(b"").digest()
        root = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            root = node(left, root)
        return root


def included(index, size, hash_, path):
    """The root that a path leads to; RFC 6962 section 2.1.1, from the top down."""
    if size == 1:
        hold(not path, "the proof is too long")
        return hash_
    hold(path, "the proof is too short")
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return node(included(index, split, hash_, path[:-1]), path[-1])
    return node(path[-1], included(index - split, size - split, hash_, path[:-1]))


def grown(old, size, path, old_root, whole=True):
    """The roots of the old and of the new tree that a path leads to; RFC 6962 section 2.1.2, from the top down."""
    if old == size:
        if whole:
            hold(not path, "the proof is too long")
            return old_root, old_root
        hold(len(path) == 1, "the proof has another length")
        return path[0], path[0]
    hold(path, "the proof is too short")
    split = 1 << (size - 1).bit_length() - 1
    if old <= split:
        before, after = grown(old, split, path[:-1], old_root, whole)
        return before, node(after, path[-1])
    before, after = grown(old - split, size - split, path[:-1], old_root, False)
    return node(path[-1], before), node(path[-1], after)


def anchors(files, verifier):
    heads = {}
    for file in files:
        text = open(file, encoding="utf-8").read()
        for note in [json.loads(line)["note"] for line in text.splitlines()] if text.startswith("{") else [text]:
            size, root = head(note, verifier)
            hold(heads.setdefault(size, root) == root, f"two heads of {size} entries were signed")
    return heads


def verify_export(file, verifier, files):
    kept = anchors(files, verifier)
    with open(file, "rb") as lines:
        header = json.loads(lines.readline())
        hold(header["hub_audit_export"] == (2 if "from" in header else 1), "the export has another version")
        size, root = head(header["note"], verifier)
        hold(max(kept, default=0) <= size, "an anchor knows more entries: the end is missing")
        first = header.get("from", 0)
        tree = Tree.begun(first, [base64.b64decode(root, validate=True) for root in header.get("edge", [])])
        before, allowed = None if first else bytes(32), first == 0
        start = tree.root()
        # Of what was pruned there is nothing left to compare with a head that is older.
        kept = {anchored: known for anchored, known in kept.items() if anchored >= first}
        hold(kept.pop(first, start) == start, f"the anchor of {first} entries differs")
        for line in lines:
            entry = line.removesuffix(b"\n")
            fields = json.loads(entry)
            hold(fields["seq"] == tree.size, f"entry {tree.size} is not there")
            hold(before is None or fields["prev"] == before.hex(), f"entry {tree.size} names other bytes before it")
            named = cut(fields)
            allowed = allowed or named is not None and (named[0] > first or named == (first, start))
            before = leaf(entry)
            tree.add(before)
            hold(kept.pop(tree.size, None) in (None, tree.root()), f"the anchor of {tree.size} entries differs")
    hold((tree.size, tree.root()) == (size, root), "the entries are not those of the signed head")
    hold(allowed, f"the entries before {first} are not there, and none says that they were pruned")
    return f"{size} entries from {first} on, root {root.hex()}" if first else f"{size} entries, root {root.hex()}"


def verify_proof(file, verifier):
    proof = json.load(open(file, encoding="utf-8"))
    hold(proof["hub_audit_proof"] == 1, "the proof has another version")
    path = [base64.b64decode(hash_, validate=True) for hash_ in proof["hashes"]]
    hold(len(path) <= 128 and all(len(hash_) == 32 for hash_ in path), "the proof holds no hashes")
    size, root = head(proof["note"], verifier)
    if "entry" in proof:
        entry = proof["entry"].encode()
        index = json.loads(entry)["seq"]
        hold(0 <= index < size and included(index, size, leaf(entry), path) == root, "the signed head does not know the entry")
        return f"entry {index} of {size}"
    old, old_root = head(proof["old_note"], verifier)
    hold(0 < old <= size, "the older head is no older one")
    hold(grown(old, size, path, old_root) == (old_root, root), "the log does not begin with the older one")
    return f"{size} entries begin with the {old} that were signed before"


def main(arguments):
    try:
        if len(arguments) >= 3 and arguments[0] == "export":
            print("OK", verify_export(arguments[1], key(arguments[2]), arguments[3:]))
        elif len(arguments) == 3 and arguments[0] == "proof":
            print("OK", verify_proof(arguments[1], key(arguments[2])))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (Untrue, ValueError, KeyError, TypeError, RecursionError) as why:
        print(f"FAIL {why}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
