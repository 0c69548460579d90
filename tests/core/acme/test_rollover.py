"""The account key changes hands (RFC 8555 section 7.3.5), and is never in doubt for long."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kmtui.core.acme import AcmeClient, Signer
from kmtui.core.errors import AcmeError, CaUnreachable, ResponseLost
from tests.core.acme.fake_ca import BASE, FakeCa, Lost, problem

Key = ec.EllipticCurvePrivateKey


@pytest.fixture
def new_key() -> Key:
    return ec.generate_private_key(ec.SECP384R1())


async def test_the_account_keeps_its_url_and_gets_another_key(
    client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    rolled = await client.roll_key(signer, new_key)

    assert (rolled.kid, rolled.key) == (signer.kid, new_key)
    assert (await client.account(rolled)).status == "valid"
    with pytest.raises(AcmeError):
        await client.account(signer)


async def test_an_account_may_change_to_another_kind_of_key(
    client: AcmeClient, signer: Signer
) -> None:
    rolled = await client.roll_key(signer, rsa.generate_private_key(65537, 2048))

    assert (await client.find_account(rolled.key)).url == signer.kid


@pytest.mark.edge(29)
async def test_a_lost_answer_is_settled_by_asking_for_both_keys(
    ca: FakeCa, client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    ca.script["/key-change"].append(Lost())
    assert (await client.roll_key(signer, new_key)).key is new_key

    ca.script["/key-change"].append(httpx.ReadError("reset"))  # this one never arrived
    with pytest.raises(ResponseLost):
        await client.roll_key(Signer(new_key, signer.kid), ec.generate_private_key(ec.SECP256R1()))
    assert await client.key_in_force(str(signer.kid), signer.key, new_key) is new_key


async def test_rolling_again_after_a_crash_is_success(
    client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    await client.roll_key(signer, new_key)

    assert (await client.roll_key(signer, new_key)).key is new_key


@pytest.mark.edge(29)
async def test_a_key_of_another_account_is_named_with_that_account(
    client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    other = await client.new_account(new_key, contact=[], terms_agreed=True)

    with pytest.raises(AcmeError, match="belongs to an account") as caught:
        await client.roll_key(signer, new_key)

    assert caught.value.problem is not None
    assert caught.value.problem.where == other.url
    assert (await client.account(signer)).status == "valid"


@pytest.mark.edge(29)
@pytest.mark.parametrize(
    "refusal",
    [problem(501, "rejectedIdentifier", "not implemented"), httpx.Response(501, text="no")],
    ids=["step-ca", "a bare page"],
)
async def test_a_ca_that_cannot_is_told_from_one_that_refuses(
    ca: FakeCa, client: AcmeClient, signer: Signer, new_key: Key, refusal: httpx.Response
) -> None:
    ca.script["/key-change"].append(refusal)

    with pytest.raises(AcmeError, match="does not offer"):
        await client.roll_key(signer, new_key)


async def test_a_directory_without_key_change_is_told_before_anything_is_sent(
    ca: FakeCa, client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    directory = ca.directory()
    del directory["keyChange"]
    ca.script["/directory"].append(httpx.Response(200, json=directory))
    await client.directory(refresh=True)
    before = len(ca.requests)

    with pytest.raises(AcmeError, match="does not offer key rollover"):
        await client.roll_key(signer, new_key)
    assert len(ca.requests) == before


@pytest.mark.parametrize("unreachable", [True, False])
async def test_not_knowing_is_never_told_as_a_refusal(
    ca: FakeCa, client: AcmeClient, signer: Signer, new_key: Key, unreachable: bool
) -> None:
    answer = httpx.ConnectError("refused") if unreachable else problem(403, "unauthorized")
    ca.script["/key-change"].append(Lost())
    ca.script["/new-account"].extend([answer] * 9)

    with pytest.raises(CaUnreachable) as caught:
        await client.roll_key(signer, new_key)

    assert isinstance(caught.value, ResponseLost) is not unreachable
    ca.script.clear()
    assert await client.key_in_force(f"{signer.kid}", new_key, signer.key) is new_key


async def test_no_key_is_in_force_where_the_account_is_gone(
    ca: FakeCa, client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    ca.accounts.clear()
    ca.keys.clear()

    assert await client.key_in_force(f"{BASE}/acct/1", new_key, signer.key) is None


@pytest.mark.edge(26)
@pytest.mark.edge(29)
async def test_a_ca_that_wants_a_binding_to_find_an_account_is_asked_for_the_account_itself(
    ca: FakeCa, client: AcmeClient, signer: Signer, new_key: Key
) -> None:
    ca.script["/new-account"].extend([problem(403, "externalAccountRequired", "bind it")] * 2)

    assert await client.key_in_force(f"{signer.kid}", new_key, signer.key) is signer.key
