"""The ACME client of one CA: every resource of RFC 8555 that kmtui uses, in one object."""

from __future__ import annotations

from kmtui.core.acme.accounts import AccountRequests
from kmtui.core.acme.authorizations import AuthorizationRequests
from kmtui.core.acme.certificates import CertificateRequests
from kmtui.core.acme.orders import OrderRequests
from kmtui.core.acme.renewal import RenewalRequests


class AcmeClient(
    AccountRequests, OrderRequests, AuthorizationRequests, CertificateRequests, RenewalRequests
):
    """A CA to talk to; see Session for what it is made from.

    Keeps connections, nonces and the directory between calls and may be used by many tasks of one
    event loop at once. Nothing is stored: keys and URLs come with each call and go back in frozen
    objects. A certificate comes about like this::

        async with AcmeClient("https://ca.example.org/directory") as ca:
            account = await ca.new_account(key, contact=["mailto:ops@example.org"],
                                           terms_agreed=True)
            signer = Signer(key, account.url)
            order = await ca.new_order(signer, ["www.example.org"])
            for url in order.authorizations:
                authorization = await ca.authorization(signer, url)
                challenge = authorization.challenge("http-01")
                ...  # publish key_authorization(challenge.token, key)
                await ca.answer(signer, challenge.url)
                await ca.poll_authorization(signer, url, deadline=300)
            order = await ca.finalize(signer, order, csr_der)
            order = await ca.poll_order(signer, order.url, until={"valid"}, deadline=600)
            chain = await ca.certificate(signer, order.certificate)
    """
