"""Settings of an SSH server: what is taken, what is refused and why, what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.addresses import Address
from kmtui.core.errors import InvalidInput
from kmtui.core.servers import registry
from kmtui.core.servers.host_keys import known, lines_naming
from kmtui.core.servers.ssh_login import SshLogin

PRINT = "SHA256:" + "A" * 43
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ3ztdSGZ9ckOdb4bsu6YnZq6ZpHr3kJmfTVXAEVTZv"
GOOD = {"host": "web1.example.org", "user": "deploy", "host_key": PRINT}


def login(settings: dict[str, str], secrets: dict[str, str] | None = None) -> SshLogin:
    return SshLogin.of(settings, {"identity": KEY} if secrets is None else secrets)


@pytest.mark.parametrize(
    ("host", "port", "where"),
    [
        ("web1.example.org", "", "deploy@web1.example.org:22"),
        ("192.0.2.7", "2222", "deploy@192.0.2.7:2222"),
        ("2001:db8::1", "22", "deploy@[2001:db8::1]:22"),
        ("[2001:db8::1]", "", "deploy@[2001:db8::1]:22"),
    ],
)
def test_where_it_logs_in(host: str, port: str, where: str) -> None:
    assert login({**GOOD, "host": host, "port": port}).where == where


@pytest.mark.parametrize(
    ("changed", "secrets", "field"),
    [
        ({"host": ""}, {"identity": KEY}, "host"),
        ({"host": "web1:2222"}, {"identity": KEY}, "host"),
        ({"host": "-oProxyCommand=x"}, {"identity": KEY}, "host"),
        ({"host": "a b"}, {"identity": KEY}, "host"),
        ({"port": "0"}, {"identity": KEY}, "port"),
        ({"port": "ssh"}, {"identity": KEY}, "port"),
        ({"user": ""}, {"identity": KEY}, "user"),
        ({"user": "a\nb"}, {"identity": KEY}, "user"),
        ({"host_key": ""}, {"identity": KEY}, "host_key"),
        ({"host_key": "MD5:00:11"}, {"identity": KEY}, "host_key"),
        ({"host_key": PRINT[:-1]}, {"identity": KEY}, "host_key"),
        ({"host_key": PRINT + "A"}, {"identity": KEY}, "host_key"),
        ({"host_key": f"{PRINT} SHA256:short"}, {"identity": KEY}, "host_key"),
        ({}, {}, "identity"),
        ({}, {"identity": KEY, "password": "x"}, "password"),
        ({"agent": "/run/agent"}, {"password": "x"}, "agent"),
        ({"agent": "agent"}, {}, "agent"),
        ({"sftp_server": "sftp-server"}, {"identity": KEY}, "sftp_server"),
        ({}, {"identity": PUBLIC}, "identity"),
        ({}, {"identity": "PuTTY-User-Key-File-3: ssh-ed25519\n"}, "identity"),
        ({}, {"identity": "-----BEGIN CERTIFICATE-----"}, "identity"),
    ],
)
def test_what_cannot_be_right_names_its_field(
    changed: dict[str, str], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        login({**GOOD, **changed}, secrets)

    assert refused.value.field == field


def test_several_keys_may_be_pinned() -> None:
    other = "SHA256:" + "B" * 43

    assert login({**GOOD, "host_key": f"{PRINT}, {other}"}).pins.fingerprints == (PRINT, other)


def test_secrets_are_not_shown_and_tell_connections_apart() -> None:
    one, same = login(GOOD, {"password": "canary"}), login(GOOD, {"password": "canary"})
    other = login(GOOD, {"password": "another canary"})

    assert "canary" not in repr(one)
    assert one.mark == same.mark != other.mark
    assert one.mark != login({**GOOD, "sudo": "yes"}, {"password": "canary"}).mark


ADDRESS = Address("web1.example.org", 22)
FILE = f"""# a comment
web1.example.org,192.0.2.7 {PUBLIC} a comment
[web1.example.org]:2222 {PUBLIC}
*.example.net {PUBLIC}
@cert-authority *.example.org {PUBLIC}
@revoked web1.example.org {PUBLIC}
web1.example.org ssh-ed25519 not-base64
web1.example.org
"""


def test_of_a_known_hosts_file_only_the_lines_that_name_the_server_are_kept() -> None:
    kept = registry.checked(
        "ssh", {**GOOD, "host_key": "", "known_hosts": FILE}, {"identity": KEY}
    )["known_hosts"]

    assert [line.split()[0] for line in kept.splitlines()] == [
        "web1.example.org,192.0.2.7",
        "@cert-authority",
        "@revoked",
    ]


def test_a_port_of_its_own_has_lines_of_its_own() -> None:
    found = known(Address("web1.example.org", 2222), f"@revoked [web1.example.org]:2222 {PUBLIC}")

    assert (len(found.keys), len(found.revoked)) == (0, 1)


@pytest.mark.parametrize("text", ["", "# nothing", f"other.example.org {PUBLIC}", "\x00\ud800"])
def test_a_file_that_does_not_name_the_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="does not name") as refused:
        lines_naming(ADDRESS, text)

    assert refused.value.field == "known_hosts"


@given(st.text())
def test_any_text_is_either_refused_or_kept_in_part(text: str) -> None:
    try:
        kept = lines_naming(ADDRESS, text)
    except InvalidInput:
        return
    assert set(kept.splitlines()) <= {line.strip() for line in text.splitlines()}
