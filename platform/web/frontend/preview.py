#!/usr/bin/env python3
"""Renders every template from its samples, for both companies' themes, into a folder of static pages.

    pip install minijinja==3.0.5
    python3 preview.py /tmp/kabinet-preview

The same engine as the server (minijinja), strict undefined; the filters repeat platform/render/src/format.rs.
"""
import json
import os
import re
import shutil
import sys

from minijinja import Environment

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
NBSP = "\u00a0"
MONTHS = "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь".split()
TENANTS = {
    "beregovoy": {"name": "УК «Береговой»", "slug": "beregovoy", "color": "#0b6e8a", "file": "theme-beregovoy.css"},
    "teploset": {"name": "АО «Теплосеть»", "slug": "teploset", "color": "#c8501e", "file": "theme-teploset.css"},
}


def grouped(n):
    return f"{n:,}".replace(",", NBSP)


def rub(kopecks):
    k = abs(kopecks)
    return ("−" if kopecks < 0 else "") + f"{grouped(k // 100)},{k % 100:02d}"


def decimal(scaled, places, group):
    q = abs(scaled)
    whole = grouped(q // 10**7) if group else str(q // 10**7)
    fraction = f"{q % 10**7:07d}".rstrip("0").ljust(places, "0")
    return ("−" if scaled < 0 else "") + whole + ("," + fraction if fraction else "")


FILTERS = {
    "rub": rub,
    "rub_sign": lambda k: f"{rub(k)}{NBSP}₽",
    "date": lambda d: f"{d % 100:02d}.{d // 100 % 100:02d}.{d // 10000}",
    "period": lambda p: f"{MONTHS[p % 100 - 1]}{NBSP}{p // 100}",
    "period_iso": lambda p: f"{p // 100}-{p % 100:02d}",
    "quantity": lambda q: decimal(q, 0, False),
    "tariff": lambda q: decimal(q, 2, True),
}


def templates():
    """Name of a template -> its file: the platform's own, then each module's."""
    found = {}
    folders = [os.path.join(ROOT, "platform/web/templates")]
    modules = os.path.join(ROOT, "modules")
    folders += [os.path.join(modules, m, "templates") for m in sorted(os.listdir(modules))]
    for folder in folders:
        for base, _, files in os.walk(folder):
            for file in files:
                if file.endswith(".html"):
                    path = os.path.join(base, file)
                    found[os.path.relpath(path, folder)] = path
    return found


def theme(tenant):
    """What theme_css computed, if a file is there ($KABINET_THEMES/<slug>.css), else the plain colour."""
    path = os.path.join(os.environ.get("KABINET_THEMES", "/tmp/kabinet-themes"), tenant["slug"] + ".css")
    if os.path.exists(path):
        return open(path, encoding="utf-8").read()
    c = tenant["color"]
    return f":root{{--brand:{c};--brand-fill:{c};--brand-text:#fff;--brand-link:{c}}}"


def main(out):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    files = templates()
    env = Environment(loader=lambda name: open(files[name], encoding="utf-8").read() if name in files else None)
    env.undefined_behavior = "strict"
    env.trim_blocks = env.lstrip_blocks = False
    for name, function in FILTERS.items():
        env.add_filter(name, function)
    for name in ("portal.css", "portal.js"):
        shutil.copy(os.path.join(ROOT, "platform/web/assets", name), out)
    for slug, tenant in TENANTS.items():
        logo = os.path.join(ROOT, "tenants", slug, "brand/logo.svg")
        if os.path.exists(logo):
            shutil.copy(logo, os.path.join(out, f"logo-{slug}.svg"))
        with open(os.path.join(out, tenant["file"]), "w", encoding="utf-8") as f:
            f.write(theme(tenant))
    pages = []
    for name, path in sorted(files.items()):
        samples = path[: -len(".html")] + ".sample.json"
        if not os.path.exists(samples):
            continue
        for i, sample in enumerate(json.load(open(samples, encoding="utf-8"))):
            for slug, tenant in TENANTS.items():
                context = json.loads(json.dumps(sample["context"]))
                page = context["page"]
                page["assets"] = {"css": "portal.css", "js": "portal.js"}
                if page["company"]:
                    page["company"] |= {"name": tenant["name"], "slug": slug, "theme_url": tenant["file"], "logo_url": f"logo-{slug}.svg"}
                html = env.render_template(name, **context)
                file = re.sub(r"[^a-z]+", "-", name[:-5]) + f"-{i}-{slug}.html"
                with open(os.path.join(out, file), "w", encoding="utf-8") as f:
                    f.write(html)
                pages.append({"file": file, "template": name, "sample": sample["name"], "tenant": slug})
    with open(os.path.join(out, "pages.json"), "w", encoding="utf-8") as f:
        json.dump(pages, f, ensure_ascii=False, indent=1)
    print(f"{len(pages)} pages in {out}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/tmp/kabinet-preview")
