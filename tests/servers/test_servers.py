"""The test servers themselves: what the other tests rely on."""

from __future__ import annotations

import ssl
import time

import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import httpx
import pytest

from tests.servers.bind import Bind, TsigKey, Zone
from tests.servers.pebble import PROFILES, Pebble


def signed_txt(bind: Bind, key: TsigKey, zone: str, name: str, value: str) -> dns.rcode.Rcode:
    """Adds one TXT record the way a client does; the answer's code."""
    change = dns.update.Update(
        zone,
        keyring=dns.tsigkeyring.from_text({key.name: key.secret}),
        keyalgorithm=dns.name.from_text(key.algorithm),
    )
    change.add(dns.name.from_text(name), 60, "TXT", value)
    return dns.query.tcp(change, "127.0.0.1", port=bind.port, timeout=3).rcode()


class TestPebble:
    async def test_answers_its_directory_over_its_own_tls_root(self, pebble: Pebble) -> None:
        trust = ssl.create_default_context(cadata=pebble.ca_bundle_pem)
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            directory = (await client.get(pebble.directory_url)).json()

        assert directory["meta"]["profiles"].keys() == PROFILES.keys()
        assert {"newNonce", "newAccount", "newOrder", "renewalInfo"} <= directory.keys()
        assert pebble.root_pem().startswith("-----BEGIN CERTIFICATE-----")

    def test_comes_back_on_the_same_port_with_another_root(self) -> None:
        with Pebble() as pebble:
            before = pebble.root_pem()
            pebble.stop()
            pebble.start()
            assert pebble.root_pem() != before

    async def test_says_when_external_account_binding_is_required(self) -> None:
        async with Pebble(eab_keys={"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajV"}) as pebble:
            assert '"externalAccountRequired": true' in pebble._get(pebble.directory_url).decode()


class TestBind:
    def test_accepts_a_signed_update_and_lists_it_as_added(self, bind: Bind) -> None:
        name = "_acme-challenge.signed.kmtui.test"

        assert signed_txt(bind, bind.tsig, "kmtui.test", name, "value") == dns.rcode.NOERROR

        assert bind.txt(name) == ["value"]
        assert bind.added("kmtui.test") == {(name, "TXT", '"value"')}
        bind.remove(name, "TXT")
        assert bind.added("kmtui.test") == set()

    def test_refuses_an_update_signed_with_a_wrong_secret(self, bind: Bind) -> None:
        stranger = TsigKey(bind.tsig.name)

        with pytest.raises(dns.tsig.PeerBadSignature):
            signed_txt(bind, stranger, "kmtui.test", "_acme-challenge.kmtui.test", "value")

        assert bind.txt("_acme-challenge.kmtui.test") == []

    @pytest.mark.parametrize("algorithm", ["hmac-sha1", "hmac-sha256", "hmac-sha512"])
    def test_knows_several_keys_and_keeps_each_to_its_grant(self, algorithm: str) -> None:
        narrow = TsigKey("narrow", algorithm)
        zone = Zone("narrow.test", grants=["narrow name _acme-challenge.narrow.test. TXT"])

        with Bind(zones=[zone], keys=[TsigKey("wide"), narrow]) as bind:
            allowed = signed_txt(bind, narrow, zone.name, "_acme-challenge.narrow.test", "a")
            refused = signed_txt(bind, narrow, zone.name, "other.narrow.test", "a")

        assert (allowed, refused) == (dns.rcode.NOERROR, dns.rcode.REFUSED)

    def test_holds_a_secondary_back_until_it_is_released(self) -> None:
        name = "_acme-challenge.kmtui.test"
        with Bind(secondaries=2, hold_transfers=True) as bind:
            bind.add_txt(name, "late")
            bind.release("127.0.0.2")

            assert [bind.txt(name, address) for address in bind.addresses] == [["late"]] * 2 + [[]]

    def test_passes_changes_on_when_nothing_is_held(self) -> None:
        name = "_acme-challenge.kmtui.test"
        with Bind(secondaries=1) as bind:
            bind.add_txt(name, "soon")
            deadline = time.monotonic() + 5
            while bind.txt(name, "127.0.0.2") != ["soon"] and time.monotonic() < deadline:
                time.sleep(0.02)

            assert bind.txt(name, "127.0.0.2") == ["soon"]
            bind.stop_one("127.0.0.2")
            with pytest.raises(OSError, match="refused"):
                bind.txt(name, "127.0.0.2")
            assert bind.txt(name) == ["soon"]
