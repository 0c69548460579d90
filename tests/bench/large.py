"""An inventory of any size, made by SQL in seconds: ten versions a certificate, two names each.

Nothing in it is sealed and no chain is whole: what lists, filters and orders read is all there. As
a program it makes one: ``python tests/bench/large.py DIRECTORY COUNT``.
"""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kmtui.db.columns import utc_text
from kmtui.db.database import Database
from kmtui.db.files import FILE_NAME

VERSIONS = 10
ACCOUNTS = 5
DAY = timedelta(days=1)

_N = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)"
_ID = "printf('%08x-0000-4000-8000-%012x', i * 2654435761 % 4294967296, i)"
"""In no order, as ids made by chance are."""
_NAME = "printf('n%06d.d%d.example.org', i, i % 1000)"
_END = (
    "strftime('%Y-%m-%dT%H:%M:%S.000000Z', :now, printf('%+d minutes', (i * 7919) % 129600 - ({})))"
)
"""Within 90 days, a hundredth of them in the past; less so many minutes."""

_STATEMENTS = (
    f"""{_N.replace(":count", str(ACCOUNTS))}
    INSERT INTO account (id, name, ca, directory_url, account_url, status, key_type, key_thumbprint,
        created_at)
    SELECT 'account-' || i, 'account-' || i, 'ca-' || (i / 2), 'https://ca.example.test/' || i,
        'https://ca.example.test/account/' || i, 'valid', 'ec256', 'thumb', :now_text FROM n""",
    """INSERT INTO dns_account (id, name, provider, settings, zones, created_at, last_test_detail)
    VALUES ('dns-0', 'zone-a', 'rfc2136', '{}', '[]', :now_text, ''),
           ('dns-1', 'zone-b', 'rfc2136', '{}', '[]', :now_text, '')""",
    """INSERT INTO end_server (id, name, kind, settings, created_at, last_test_detail)
    VALUES ('server-0', 'web1', 'local', '{}', :now_text, ''),
           ('server-1', 'web2', 'local', '{}', :now_text, '')""",
    """INSERT INTO mapping (id, pattern, challenge_type, dns_account_id, server_id, created_at)
    VALUES ('map-0', '.example.org', 'dns-01', 'dns-0', NULL, :now_text),
           ('map-1', '.d7.example.org', 'dns-01', 'dns-1', NULL, :now_text),
           ('map-2', '.d8.example.org', 'http-01', NULL, 'server-0', :now_text)""",
    f"""{_N}
    INSERT INTO certificate (id, name, names, search_text, account_id, key_type, auto_renew,
        auto_save, created_at, archived_at, current_version, unsaved_version, version_count,
        not_before, not_after, expiring_at, current_revoked_at, issuer, last_request_id,
        last_request_number, last_request_kind, last_request_status, last_request_at,
        last_request_error, expiry_key, due_at)
    SELECT {_ID}, {_NAME}, json_array({_NAME}, 'www.' || {_NAME}), {_NAME} || ' www.' || {_NAME},
        'account-' || (i % {ACCOUNTS}), CASE i % 4 WHEN 0 THEN 'rsa2048' ELSE 'ec256' END,
        i % 20 > 0, 'always', {_END.format("43200 + 129600")},
        CASE WHEN i % 100 = 99 THEN :now_text END,
        CASE WHEN i % 100 <> 98 THEN {VERSIONS} END, CASE WHEN i % 1000 = 98 THEN {VERSIONS} END,
        {VERSIONS}, {_END.format("1296 + 129600")}, {_END.format("1296")},
        {_END.format("1296 + 10080")}, CASE WHEN i % 100 = 97 THEN :now_text END,
        printf('Example CA R%d', i % 7), 'request-' || i, i + 1, 'renew',
        CASE i % 200 WHEN 5 THEN 'failed' ELSE 'saved' END, {_END.format("1296 + 129600")},
        CASE i % 200 WHEN 5 THEN 'dns ' || {_NAME} ELSE '' END, {_END.format("1296")},
        {_END.format("1296 + 43200")} FROM n""",
    f"""{_N}
    INSERT INTO certificate_name (name, certificate_id)
    SELECT {_NAME}, {_ID} FROM n UNION ALL SELECT 'www.' || {_NAME}, {_ID} FROM n""",
    f"""{_N}
    INSERT INTO version (id, certificate_id, number, serial, issuer, subject, names, not_before,
        not_after, key_type, sha256, spki_sha256, issued_at, why, search_text, chain_pem)
    SELECT printf('%08x-1111-4000-8000-%012x', i * 2654435761 % 4294967296, i),
        certificate.id, 1 + i % {VERSIONS}, printf('04%08x%08x', i * 2654435761 % 4294967296, i),
        certificate.issuer, certificate.name, certificate.names, certificate.not_before,
        certificate.not_after, certificate.key_type,
        printf('%08x%056x', i * 2654435761 % 4294967296, i), printf('%064x', i),
        certificate.not_before, 'renew', certificate.search_text,
        '-----BEGIN CERTIFICATE-----' || hex(zeroblob(200)) || '-----END CERTIFICATE-----'
    FROM n JOIN certificate ON certificate.rowid = 1 + i / {VERSIONS}""".replace(
        ":count", f":count * {VERSIONS}"
    ),
    f"""INSERT INTO version_state (version_id, saved_at, replaced_at)
    SELECT id, issued_at, CASE WHEN number < {VERSIONS} THEN not_after END FROM version
    ORDER BY id""",
    f"""INSERT INTO renewal (certificate_id, version_number, source, renew_at, next_check_at, error)
    SELECT id, {VERSIONS}, 'lifetime', due_at, due_at, '' FROM certificate
    WHERE current_version IS NOT NULL ORDER BY id""",
    """INSERT INTO target (id, certificate_id, name, server_id, directory, layout, hook, owner,
        mode, check_command, reload_command, verify, adopt, created_at, state, wanted_version,
        version, step, error, hint, failures, attempt, forced, staged)
    SELECT 'target-' || rowid, id, 'web', 'server-' || (rowid % 2), '/etc/tls/' || name, 'pair', '',
        '', 416, '', '', '', 0, :now_text, 'verified', 10, 10, '', '', '', 0, 0, 0, ''
    FROM certificate WHERE rowid % 10 = 3""",
)


def fill(data: Path, count: int) -> None:
    """Make an inventory of `count` certificates in that directory, as of now."""
    Database.open(data / FILE_NAME).close_sync()
    now = datetime.now(UTC)
    connection = sqlite3.connect(data / FILE_NAME)
    values = {"count": count, "now": f"{now:%Y-%m-%d %H:%M:%S}", "now_text": utc_text(now)}
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    with connection:
        for statement in _STATEMENTS:
            connection.execute(statement, values)
    connection.close()


if __name__ == "__main__" and len(sys.argv) == 3:
    fill(Path(sys.argv[1]), int(sys.argv[2]))
