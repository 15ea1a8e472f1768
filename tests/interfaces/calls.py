"""Made-up calls of the whole API, as nobody, as a resident and as a company's administrator, to both companies of a
fresh demo: no answer may be a server's error, or other than its schema says. `run` makes what this needs."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEED = int(os.environ.get("KABINET_CALLS_SEED", "1"))
# Where a caller is at home, each operation gets all that is wrong by its schema, and so many calls that are right by
# it; elsewhere, where only a refusal is to be had, a few of the latter. Together a little more than is asked for.
ENOUGH, ASKED_FOR = 55, 20_000
# With fewer a run is a trial: it says how many calls it made and what they never did, and is not judged by that.
EXAMPLES = int(os.environ.get("KABINET_CALLS_EXAMPLES", ENOUGH))
AT_HOME = ["--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES)]
ELSEWHERE = ["--phases", "fuzzing", "--max-examples", "5"]
# Seconds of one run of schemathesis: what takes longer hangs.
LONGEST = 2 * 60 * 60
# What is said before anything of the domain is looked at: not understood, not logged in, not allowed, too often.
UNHEARD = {"400", "401", "403", "429"}
# In this order: what a resident is told, the others try too; and staff end what the resident has.
CALLERS = {
    "resident": {"/api/v1/": AT_HOME, "/api/admin/": ELSEWHERE},
    "staff": {"/api/admin/": AT_HOME, "/api/v1/": ELSEWHERE},
    "nobody": {"/api/": ELSEWHERE},
}


class Server:
    """The demo in a folder of its own, or on the database of KABINET_DATABASE__URL."""

    def __init__(self, folder):
        self.log, self.folder = folder / "server.log", folder / "data"
        self.port, management = free_port(), free_port()
        os.environ.setdefault("KABINET_DATABASE__URL", f"sqlite://{self.folder / 'kabinet.db'}")
        settings = {
            "KABINET_DATA__DIR": self.folder,
            "KABINET_DEMO__NOW": "2026-11-22",
            "KABINET_SERVER__LISTEN": f"127.0.0.1:{self.port}",
            "KABINET_SERVER__MANAGEMENT": f"127.0.0.1:{management}",
            # Every call says that it comes from another address.
            "KABINET_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]',
            "RUST_BACKTRACE": "0",
        }
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [os.environ.get("KABINET_BIN", ROOT / "target/release/kabinet"), "serve", "--demo"],
            cwd=ROOT, env=os.environ | {name: str(value) for name, value in settings.items()},
            stdout=self.log.open("w"), stderr=subprocess.STDOUT,
        )
        self.wait(f"http://127.0.0.1:{management}/readyz")

    def wait(self, address):
        begun = time.monotonic()
        while True:
            try:
                return urllib.request.urlopen(address, timeout=5)
            except OSError:
                if self.process.poll() is not None or time.monotonic() > begun + 120:
                    self.stop()
                    sys.exit(f"the server is not ready\n{self.log.read_text()[-4000:]}")
                time.sleep(0.1)

    def companies(self):
        return json.loads((self.folder / "demo.json").read_text())["companies"]

    def document(self, host):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/openapi.json", headers={"Host": host})
        return urllib.request.urlopen(request).read()

    def panics(self):
        return [line for line in self.log.read_text().splitlines() if " panicked at " in line]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            print("the server did not end within a minute")
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(server, company, role, surface, phases, files):
    """One run of schemathesis; whether it made calls and found nothing, and the statuses with how often each came."""
    logins = {"resident": company["resident"], "staff": company["admin"]}
    answers = files / "answers.json"
    answers.unlink(missing_ok=True)
    asked = {
        "url": f"http://127.0.0.1:{server.port}", "host": company["host"], "role": role, "seed": SEED,
        "login": logins.get(role), "known": str(files / f"known-{company['slug']}.json"), "answers": str(answers),
    }
    environment = os.environ | {
        "KABINET_CALLS": json.dumps(asked), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    schemathesis = [
        Path(sys.executable).parent / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run",
        files / "openapi.json", "--url", asked["url"], "--include-path-regex", f"^{surface}",
        *phases, "--seed", str(SEED), "--no-color",
    ]
    code, said = run(schemathesis, environment, files)
    found = re.search(r"^=+ (FAILURES|ERRORS) =+$.*?(?=^=+ (WARNINGS|SUMMARY) =+$)", said, re.M | re.S)
    came = Counter(json.loads(answers.read_text()) if answers.exists() else {})
    good = code == 0 and came.total() > 0
    if not good:
        print(f"\n{role} of {company['slug']}, {surface}\n{found.group() if found else said}")
    return good, came


def run(command, environment, folder):
    """The command's status and what it printed; one that hangs is ended."""
    said = folder / "said.txt"
    with said.open("w") as out:
        try:
            code = subprocess.run(
                command, env=environment, cwd=folder, stdout=out, stderr=subprocess.STDOUT, timeout=LONGEST
            ).returncode
        except subprocess.TimeoutExpired:
            code = f"not at its end after {LONGEST} seconds"
            print(code, file=out)
    return code, said.read_text(errors="replace")


def table(rows):
    """How often each caller got each status."""
    statuses = sorted({answer[-3:] for _, answers in rows for answer in answers})
    print(f"\n{'':22}{'calls':>7}" + "".join(f"{status:>7}" for status in statuses))
    for name, answers in rows:
        came = Counter()
        for answer, times in answers.items():
            came[answer[-3:]] += times
        print(f"{name:22}{came.total():7}" + "".join(f"{came[status]:7}" for status in statuses))


def not_done(document, answers):
    """Operations that never did what they are there for."""
    done = {answer[:-4] for answer in answers if answer[-3] == "2"}
    return sorted(operations(document) - done)


def operations(document):
    return {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}


def wrong_with(document, total):
    """What is wrong with all calls together, beside what was found in each: too few, or an operation of which no call
    was ever understood and allowed. Which of the others never came to their end is a matter of chance: it is told."""
    print("\nnever did what they are for:", *not_done(document, total), sep="\n  ")
    if EXAMPLES < ENOUGH:
        print(f"A trial with {EXAMPLES} examples: calls are not counted.")
        return []
    heard = {answer[:-4] for answer in total if answer[-3:] not in UNHEARD}
    wrong = [f"no call of it was understood and allowed: {name}" for name in sorted(operations(document) - heard)]
    if total.total() < ASKED_FOR:
        wrong.append(f"{ASKED_FOR} calls were asked for, {total.total()} were made")
    return wrong


def calls(files):
    """All calls, told as a table; whether nothing was found."""
    server, rows, good = Server(files), [], True
    try:
        companies = server.companies()
        document = server.document(companies[0]["host"])
        (files / "openapi.json").write_bytes(document)
        for company in companies:
            known = {"house": ["H00001", "H00002", "P00001"]}  # the demo's codes; no operation tells them
            known |= {name: [one[name] for one in company["unlinked"]] for name in ("account", "flat", "surname")}
            (files / f"known-{company['slug']}.json").write_text(json.dumps(known))
            for role, surfaces in CALLERS.items():
                answers = Counter()
                for surface, phases in surfaces.items():
                    fine, came = call(server, company, role, surface, phases, files)
                    good, answers = good and fine, answers + came
                rows.append((f"{company['slug']}, {role}", answers))
    finally:
        server.stop()
    total = sum((answers for _, answers in rows), Counter())
    table([*rows, ("together", total)])
    wrong = server.panics() + wrong_with(json.loads(document), total)
    print(*wrong, sep="\n")
    good = good and not wrong
    database = os.environ["KABINET_DATABASE__URL"].split(":")[0]
    print(f"{total.total()} calls, seed {SEED}, {database}: {'nothing found' if good else 'FAILED'}")
    return good


def main():
    files, good = Path(tempfile.mkdtemp(prefix="kabinet-calls-")), False
    try:
        good = calls(files)
    finally:
        if good:
            shutil.rmtree(files)
        else:
            print(f"the server's log and data: {files}")
    sys.exit(not good)


main()
