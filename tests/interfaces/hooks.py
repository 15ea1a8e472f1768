"""What schemathesis is told of this API: who calls, from where, and which things exist."""

import atexit
import json
import os
import random
import re
from collections import Counter, defaultdict, deque
from datetime import date, timedelta

import requests
import schemathesis

ASKED = json.loads(os.environ["KABINET_CALLS"])
CHANCE = random.Random(ASKED["seed"])


class Caller:
    """Somebody on a company's portal, as the browser would show it."""

    def __init__(self):
        self.cookie = ""
        self.log_in()

    def headers(self):
        # A new address for every call: the limits on strangers count by it, and would answer for the handlers.
        address = f"10.{CHANCE.randrange(256)}.{CHANCE.randrange(256)}.{CHANCE.randrange(1, 255)}"
        headers = {"Host": ASKED["host"], "Origin": f"http://{ASKED['host']}", "X-Forwarded-For": address}
        return headers | ({"Cookie": self.cookie} if self.cookie else {})

    def log_in(self):
        login, browser = ASKED["login"], requests.Session()
        self.cookie = ""
        if ASKED["role"] == "staff":
            done = browser.post(f"{ASKED['url']}/api/admin/v1/session", json=login, headers=self.headers())
        elif ASKED["role"] == "resident":
            page = browser.get(ASKED["url"], headers=self.headers())
            token = re.search(r'name="csrf" value="([^"]+)"', page.text).group(1)
            form = login | {"csrf": token}
            done = browser.post(f"{ASKED['url']}/login", form, headers=self.headers(), allow_redirects=False)
        else:
            return
        assert done.status_code in (204, 303), f"no login: {done.status_code} {done.text[:500]}"
        self.cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


class Known:
    """What answers named, by the kind of thing (`meters`) for identifiers and by the name of the field (`house`) for
    everything else: a made-up identifier finds nothing."""

    def __init__(self, file):
        self.values = defaultdict(lambda: deque(maxlen=60))
        for kind, values in json.load(file).items():
            self.values[kind].extend(values)

    def learn(self, value, kind):
        """Keeps what an answer names."""
        if isinstance(value, list):
            for item in value[:60]:
                self.learn(item, kind)
        elif isinstance(value, dict):
            for name, item in value.items():
                scalar = not isinstance(item, (dict, list))
                self.learn(item, kind if name == "items" or scalar and name in ("id", "code") else name)
        elif isinstance(value, (str, int)) and not isinstance(value, bool):
            self.values[kind].append(value)

    def offer(self, kind, made_up):
        """A value that the kind of thing or field has somewhere; None without any."""
        named = (str(value) for name in (kind, kind + "s") if name in self.values for value in self.values[name])
        # An identifier is exchanged for another one.
        choice = [value for value in named if not is_identifier(made_up) or is_identifier(value)]
        return CHANCE.choice(choice) if choice else None


def is_identifier(text):
    return bool(re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))


class Examples:
    """By operation and field: the values of enumerations, and what descriptions show between backticks."""

    def __init__(self, document):
        self.schemas = document["components"]["schemas"]
        self.shown = {}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                fields = self.shown[method.upper(), path] = defaultdict(list)
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    self.read(content["schema"], fields)

    def read(self, schema, fields, field=""):
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        fields[field] += schema.get("enum", [])
        for part in [*schema.get("allOf", []), *([schema["items"]] if "items" in schema else [])]:
            self.read(part, fields, field)
        for name, about in (schema.get("properties") or {}).items():
            fields[name] += re.findall("`([^`]+)`", about.get("description", ""))
            self.read(about, fields, name)

    def offer(self, case, field):
        shown = self.shown.get((case.operation.method.upper(), case.path), {}).get(field)
        return CHANCE.choice(shown) if shown else None


class Filling:
    """A case with some of its made-up values exchanged for such as mean something."""

    def __init__(self, case):
        self.case = case

    def text(self, made_up, field, kind, likely):
        meant = None
        if CHANCE.random() < likely:
            meant = examples.offer(self.case, field) or known.offer(kind, made_up)
        # Schemathesis makes up no NUL where headers take none, and a database may mind it in a text.
        return (made_up if meant is None else moved(meant)) + ("\0" if CHANCE.random() < 0.01 else "")

    def path(self):
        parts = self.case.path.split("/")
        for before, part in zip(parts, parts[1:]):
            name = part.strip("{}")
            if part != name and name in (self.case.path_parameters or {}):
                made_up, kind = self.case.path_parameters[name], before if name in ("id", "code") else name
                self.case.path_parameters[name] = self.text(str(made_up), name, kind, 0.85)

    def value(self, part, field=""):
        if isinstance(part, dict):
            return {name: self.value(value, name) for name, value in part.items()}
        if isinstance(part, list):
            return [self.value(value, field) for value in part]
        if isinstance(part, str):
            return self.text(part, field, field, 0.7)
        # Most numbers that people send are small.
        small = isinstance(part, int) and not isinstance(part, bool) and CHANCE.random() < 0.7
        return CHANCE.randint(0, 12) if small else part


def moved(text):
    """A date or month becomes one in its neighbourhood."""
    if not re.fullmatch(r"20\d\d-\d\d(-\d\d)?", text):
        return text
    day = date.fromisoformat((text + "-15")[:10]) + timedelta(days=CHANCE.randint(-60, 60))
    return day.isoformat()[: len(text)]


with open(ASKED["known"]) as file:
    caller, known, answers = Caller(), Known(file), Counter()


@schemathesis.hook
def before_load_schema(context, raw_schema):
    global examples
    examples = Examples(raw_schema)


@schemathesis.hook
def before_call(context, case, kwargs):
    filling = Filling(case)
    filling.path()
    if isinstance(case.query, dict):
        case.query = filling.value(case.query)
    if isinstance(case.body, dict):
        case.body = filling.value(case.body)
    # Most keys that are made up were used by another wish before.
    if CHANCE.random() < 0.8:
        case.headers.pop("Idempotency-Key", None)
    case.headers.update(caller.headers())


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{case.method} {case.path} {response.status_code}"] += 1
    if response.status_code == 401 and caller.cookie:
        caller.log_in()  # the call ended its own session
    kind = response.headers.get("content-type", [""])[0]
    if response.status_code == 200 and kind.startswith("application/json"):
        fixed = [part for part in case.path.split("/") if part != "of" and not part.startswith("{")]
        known.learn(json.loads(response.content), fixed[-1])


@atexit.register
def tell():
    with open(ASKED["answers"], "w") as file:
        json.dump(answers, file)
    with open(ASKED["known"], "w") as file:
        json.dump({kind: list(values) for kind, values in known.values.items()}, file)
