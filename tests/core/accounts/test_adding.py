"""An account comes back by its exported key, or is explained: nothing is ever registered."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core import keys
from kmtui.core.account_keys import to_jwk
from kmtui.core.acme import AcmeClient, thumbprint
from kmtui.core.errors import AcmeError, CaUnreachable, InvalidInput, Refused
from kmtui.model import RequestSpec
from tests.core.accounts.conftest import Record
from tests.core.acme.fake_ca import DIRECTORY, FakeCa, problem
from tests.torture.edge_cases.conftest import Desk

Key = ec.EllipticCurvePrivateKey
HMAC = "-_8gc2VjcmV0IGtleSBvZiB0aGUgQ0E"


@pytest.mark.parametrize("format_", ["pem", "jwk"])
async def test_a_deleted_account_comes_back_with_the_same_url(
    desk: Desk, record: Record, tmp_path: Path, format_: str
) -> None:
    before = await desk.core.accounts.get("ops")
    path = tmp_path / "ops.key"
    await desk.core.accounts.export_key("ops", path, format=format_)
    await desk.core.accounts.delete("ops", discard_key=True)
    assert await desk.core.accounts.all() == []

    back = await desk.core.accounts.add("again", ca="fake", key=path)

    assert back.account_url == before.account_url
    assert (back.name, back.status, back.email) == ("again", "valid", "ops@example.org")
    assert (back.key_thumbprint, back.key_type) == (before.key_thumbprint, before.key_type)
    request = await desk.core.requests.create(
        RequestSpec(names=("www.example.org",), account="again")
    )
    assert (await desk.core.requests.wait(request.id, seconds=20)).status == "available"
    assert await record() == [
        ("export-key", "started"),
        ("export-key", "ok"),
        ("delete", "ok"),
        ("add", "started"),
        ("add", "ok"),
    ]


async def test_a_key_may_be_pasted(desk: Desk, client: AcmeClient, key: Key) -> None:
    found = await client.new_account(key, contact=[], terms_agreed=True)

    added = await desk.core.accounts.add("pasted", ca="fake", key=keys.to_pem(key).decode())

    assert (added.account_url, added.email) == (found.url, None)


async def test_an_unknown_key_registers_nothing(
    desk: Desk, record: Record, ca: FakeCa, key: Key, tmp_path: Path
) -> None:
    (tmp_path / "private_key.json").write_bytes(to_jwk(key))
    regr = tmp_path / "regr.json"
    regr.write_text('{"body": {}, "uri": "https://other.test/acct/1"}')

    with pytest.raises(AcmeError, match="no account with this key") as caught:
        await desk.core.accounts.add("lost", ca="fake", key=regr)

    assert "https://other.test/acct/1" in caught.value.message
    assert "account register" in caught.value.hint
    assert len(ca.accounts) == 1
    assert [account.name for account in await desk.core.accounts.all()] == ["ops"]
    assert await record() == [("add", "started"), ("add", "failed")]


@pytest.mark.parametrize(
    "answer",
    [
        problem(403, "unauthorized", "Account is not valid, has status deactivated"),
        httpx.Response(200, json={"status": "deactivated"}, headers={"Location": "/acct/1"}),
    ],
    ids=["refused", "told"],
)
async def test_a_deactivated_account_is_explained(
    desk: Desk, ca: FakeCa, key: Key, answer: httpx.Response
) -> None:
    if answer.status_code == 200:
        answer.headers["Location"] = "https://ca.test/acct/1"
    ca.script["/new-account"].append(answer)

    with pytest.raises(AcmeError, match="deactivated at fake") as caught:
        await desk.core.accounts.add("dead", ca="fake", key=keys.to_pem(key).decode())

    assert "final" in caught.value.hint


async def test_the_binding_is_used_only_where_the_ca_wants_it(
    desk: Desk, client: AcmeClient, ca: FakeCa, key: Key
) -> None:
    await client.new_account(key, contact=[], terms_agreed=True)
    pem = keys.to_pem(key).decode()
    accounts = desk.core.accounts

    # given: a CA that wants a binding even to find an account
    ca.script["/new-account"].append(problem(403, "externalAccountRequired", "bind it"))
    with pytest.raises(InvalidInput, match="only with its binding") as caught:
        await accounts.add("bound", ca="fake", key=pem)
    assert caught.value.field == "eab-kid"

    # when, then: with the binding it is found, and asked for without it first
    ca.script["/new-account"].append(problem(403, "externalAccountRequired", "bind it"))
    await accounts.add("bound", ca="fake", key=pem, eab_kid="eab-1", eab_hmac=HMAC)
    sent = [payload for path, payload in ca.payloads if path == "/new-account"]
    assert set(sent[-1]) == {"onlyReturnExisting", "externalAccountBinding"}

    # then: where it is not wanted, one that was used already does no harm
    await accounts.delete("bound", discard_key=True)
    await accounts.add("bound", ca="fake", key=pem, eab_kid="eab-1", eab_hmac=HMAC)
    assert ca.payloads[-1] == ("/new-account", {"onlyReturnExisting": True})


async def test_what_is_here_already_is_named(desk: Desk, client: AcmeClient, ca: FakeCa) -> None:
    accounts = desk.core.accounts
    ops = await accounts.get("ops")
    key = await accounts.key(ops)
    pem = keys.to_pem(key).decode()
    with pytest.raises(InvalidInput, match="named ops already"):
        await accounts.add("ops", ca="fake", key=pem)
    with pytest.raises(Refused, match="here already: ops"):
        await accounts.add("second", ca="fake", key=pem)

    # given: another program changed the key of our account
    new = ec.generate_private_key(ec.SECP256R1())
    await client.roll_key(await accounts.signer(ops), new)
    with pytest.raises(Refused, match="with another key: ops") as caught:
        await accounts.add("second", ca="fake", key=keys.to_pem(new).decode())
    assert "delete ops here" in caught.value.hint


async def test_a_ca_for_one_account_takes_none_by_its_key_either(desk: Desk, key: Key) -> None:
    await desk.core.cas.add("one", directory_url=DIRECTORY, single_account=True)
    await desk.core.accounts.register("first", ca="one")

    with pytest.raises(Refused, match="allows one account, and there is first"):
        await desk.core.accounts.add("second", ca="one", key=keys.to_pem(key).decode())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " "}, "name"),
        ({"key": "no key"}, "key"),
        ({"key": Path("/nowhere/at/all")}, "key"),
        ({"eab_kid": "eab-1"}, "eab-hmac-file"),
        ({"eab_hmac": HMAC}, "eab-kid"),
        ({"eab_kid": "eab-1", "eab_hmac": "ä"}, "eab-hmac-file"),
    ],
)
async def test_bad_input_names_its_field_before_the_ca_is_asked(
    desk: Desk, ca: FakeCa, key: Key, given: dict[str, str], field: str
) -> None:
    asked = len(ca.requests)
    usual = {"name": "x", "ca": "fake", "key": keys.to_pem(key).decode()}

    with pytest.raises(InvalidInput) as caught:
        await desk.core.accounts.add(**{**usual, **given})  # type: ignore[arg-type]

    assert (caught.value.field, len(ca.requests)) == (field, asked)


async def test_a_ca_that_is_away_leaves_nothing_behind(desk: Desk, ca: FakeCa, key: Key) -> None:
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 9)

    with pytest.raises(CaUnreachable):
        await desk.core.accounts.add("x", ca="fake", key=keys.to_pem(key).decode())

    assert [account.name for account in await desk.core.accounts.all()] == ["ops"]


async def test_the_key_is_sealed_and_what_is_kept_is_the_one_given(
    desk: Desk, client: AcmeClient, key: Key
) -> None:
    await client.new_account(key, contact=[], terms_agreed=True)
    added = await desk.core.accounts.add("x", ca="fake", key=to_jwk(key).decode())

    assert thumbprint(await desk.core.accounts.key(added)) == thumbprint(key)
    numbers = key.private_numbers().private_value.to_bytes(32, "big")
    assert numbers not in (desk.data / "kmtui.db").read_bytes()
