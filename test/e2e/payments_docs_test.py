#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""The SQL in the pages about payments works as it stands there, and answers what the pages say.

Every ```sql block of the pages is run by psql in the order of the pages, on a database of its own, in a
transaction with the context of a team's owner. A line "-- → text" is what the statement before it answers;
"…" stands for anything. What only a provider can send is delivered between the pages.

Connects as libpq does (PGHOST, PGPORT, …) as a superuser.
"""
import base64
import fnmatch
import hashlib
import hmac
import json
import pathlib
import re
import subprocess
import time

import tap

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs/modules"
DATABASE = "payments_docs"
MARK = "@@ "
SECRET = b"whsec_example"
MAY = 1777802400  # 2026-05-03 10:00Z


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def stripe(event, kind, **members):
    """SQL that sets :headers and :body to an event of Stripe, signed now."""
    body = json.dumps({
        "id": event, "object": "event", "type": kind, "created": MAY, "livemode": True,
        "data": {"object": {"currency": "eur", "created": MAY, "livemode": True, **members}},
    })
    at = int(time.time())
    digest = hmac.new(SECRET, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = json.dumps({"Stripe-Signature": f"t={at},v1={digest}"})
    return f"\\set headers {literal(headers)}\n\\set body {literal(body)}\n"


DELIVER = (
    "SELECT outcome FROM saas.ingest_webhook(:'team', 'stripe', :'headers'::jsonb, convert_to(:'body', 'UTF8'));\n"
)


def told(answer):
    return f"\\qecho '{MARK}{answer}'\n"


VARIABLES = (
    "SELECT t.id AS team, m.user_id AS owner FROM saas.teams AS t JOIN saas.team_members AS m ON m.team_id = t.id"
    " WHERE t.slug = 'docs' \\gset\n"
)
# What comes before the blocks of a page, or before the one with this number.
BEFORE = {
    ("payments", 2): stripe("evt_1", "charge.succeeded", object="charge", id="ch_1", amount=500,
                            status="succeeded", captured=False),
    ("money_movement", 3): stripe("evt_2", "charge.succeeded", object="charge", id="ch_17", amount=1099,
                                  status="succeeded", captured=True, payment_intent="pi_17") + DELIVER
                           + told("processed")
                           + stripe("evt_3", "payment_intent.succeeded", object="payment_intent", id="pi_17",
                                    amount=1099, status="succeeded", amount_received=1099) + DELIVER
                           + told("processed"),
    ("disputes", 1): stripe("evt_4", "charge.dispute.created", object="dispute", id="dp_1", amount=100,
                            status="needs_response", charge="ch_17",
                            evidence_details={"due_by": int(time.time()) + 86400}) + DELIVER + told("processed"),
}
# Of the platform, not of a team.
WITHOUT_CONTEXT = {("compliance", 1)}
ORDER = [
    "payments", "webhooks", "webhooks_stripe", "webhooks_paypal", "webhooks_square", "webhooks_adyen",
    "webhooks_razorpay", "webhooks_standard", "money_movement", "ledger", "payment_reading", "payouts", "disputes",
    "checkout", "compliance", "pci_dss",
]


def psql(database, script):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database], input=script, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def blocks(page, language="sql"):
    return re.findall(rf"(?ms)^ *```{language}\n(.*?)^ *```", (PAGES / f"{page}.md").read_text())


def check(name, script):
    """Runs it with psql, and compares what it answers with what the page says."""
    script = re.sub(r"(?m)^-- → (.*)$", lambda said: told(said.group(1)).rstrip("\n"), script)
    answer = psql(DATABASE, script)
    tap.ok(answer.returncode == 0, f"{name} runs", answer.stdout)
    lines = answer.stdout.splitlines()
    said = [n for n, line in enumerate(lines) if line.startswith(MARK)]
    for at in said:
        # Several marks after one statement are its last rows, in order.
        last = at
        while last + 1 < len(lines) and lines[last + 1].startswith(MARK):
            last += 1
        first = at
        while first > 0 and lines[first - 1].startswith(MARK):
            first -= 1
        row = lines[first - (last - at + 1)] if first >= last - at + 1 else ""
        want = lines[at][len(MARK):]
        tap.ok(fnmatch.fnmatchcase(row, re.sub("…", "*", re.sub(r"([\[?*])", r"[\1]", want))),
               f"{name} answers {want}", answer.stdout)


def test_pages():
    psql("postgres", f"DROP DATABASE IF EXISTS {DATABASE}")
    made = psql("postgres", f"CREATE DATABASE {DATABASE}")
    tap.ok(made.returncode == 0, "a clean database", made.stdout)
    made = psql(DATABASE, "SET client_min_messages = warning; CREATE EXTENSION pg_saas CASCADE;"
                          "SELECT count(*) FROM saas.deploy();"
                          "SELECT saas.create_team('Docs', 'docs', saas.create_user('docs@example.com'));")
    tap.ok(made.returncode == 0, "has the package and a team", made.stdout)
    for page in ORDER:
        script, found = VARIABLES, blocks(page)
        for number, block in enumerate(found, 1):
            context = "" if (page, number) in WITHOUT_CONTEXT else "SELECT saas.set_context(:'team', :'owner') \\g /dev/null\n"
            script += f"{BEFORE.get((page, number), '')}BEGIN;\n{context}{block}COMMIT;\n"
        if found:
            check(f"{page}.md", script)


def test_neutral_body():
    secret = b"example"
    for body in blocks("webhooks_standard", "json"):
        body, at = body.strip(), int(time.time())
        signature = hmac.new(secret, f"m1.{at}.{body}".encode(), hashlib.sha256).digest()
        headers = {"webhook-id": "m1", "webhook-timestamp": str(at),
                   "webhook-signature": "v1," + base64.b64encode(signature).decode()}
        check("webhooks_standard.md, the body", (
            f"{VARIABLES}BEGIN;\nSELECT saas.set_context(:'team', :'owner') \\g /dev/null\n"
            "SELECT saas.configure_payment_provider(:'team', 'standard',"
            f" ARRAY['whsec_{base64.b64encode(secret).decode()}'::bytea]);\n"
            f"SELECT outcome FROM saas.ingest_webhook(:'team', 'standard', {literal(json.dumps(headers))}::jsonb,"
            f" convert_to({literal(body)}, 'UTF8'));\n-- → processed\nCOMMIT;\n"))
    psql("postgres", f"DROP DATABASE IF EXISTS {DATABASE}")


tap.run(test_pages, test_neutral_body)
