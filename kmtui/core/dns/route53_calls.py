"""Calls of Route 53 through boto3: in threads, at AWS's pace, with our retries and errors."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

from kmtui.core.dns.api import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Api,
    NoReply,
    Reply,
    time_for_one_try,
)
from kmtui.core.dns.pace import Pace
from kmtui.core.dns.route53_errors import TITLE, TOO_FAST, Refusal, failure_error, refusal_error
from kmtui.core.dns.route53_login import AwsLogin, Client, MfaWanted
from kmtui.core.errors import DnsProviderError
from kmtui.core.together import whole

Answer: TypeAlias = dict[str, Any]
"""What boto3 makes of a reply; `Route 53 API reference` names its members."""

PER_SECOND = 4.0
"""Route 53 takes five calls a second from a whole AWS account, the console's included."""
AT_ONCE = 4
"""Threads of one account: own ones, so that a silent network holds up nobody else's."""
CHANGE = "change_resource_record_sets"


class Calls:
    """What one account asks of AWS; opened by the first call."""

    def __init__(self, login: AwsLogin, pace: Pace | None = None) -> None:
        """Without a `pace`, as AWS wants it; what stands in for AWS has no limit to respect."""
        usual = None if login.endpoint else PER_SECOND
        self.api = Api(
            TITLE,
            login.endpoint,
            pace=pace or Pace(usual, why="Route 53's limit of calls"),
            limited=_limited,
            request_id=("x-amzn-requestid",),
        )
        self._login = login
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="route53")
        self._opening = threading.Lock()
        self._make: Callable[[str], Client] | None = None
        self._clients: dict[str, Client] = {}

    async def call(self, operation: str, *, service: str = "route53", **wanted: Any) -> Answer:
        """The answer. Raises DnsProviderError."""
        answer = await self.attempt(operation, service=service, **wanted)
        if isinstance(answer, Refusal):
            raise self.error(answer)
        return answer

    async def attempt(
        self, operation: str, *, service: str = "route53", **wanted: Any
    ) -> Answer | Refusal:
        """The answer or the refusal, once it is neither "too fast" nor a passing failure.

        Raises DnsProviderError for what went wrong before an answer, and when patience ends.
        """
        said: list[Answer | Refusal] = []
        work = partial(self._send, service, operation, wanted)

        async def send() -> Reply:
            said.append(await self._in_thread(work, change=operation == CHANGE))
            last = said[-1]
            return last.reply if isinstance(last, Refusal) else Reply(200, {}, b"")

        await self.api.answer(send)
        return said[-1]

    def error(self, refusal: Refusal) -> DnsProviderError:
        """What a refusal means."""
        return refusal_error(self.api, refusal)

    async def aclose(self) -> None:
        """Close the connections; calls under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()
        await self.api.aclose()

    async def _in_thread(
        self, work: Callable[[], Answer | Refusal], *, change: bool
    ) -> Answer | Refusal:
        loop = asyncio.get_running_loop()

        async def done() -> Answer | Refusal:
            return await loop.run_in_executor(self._threads, work)

        if change:
            # What was sent cannot be called back: were it let go, it might arrive after the
            # clean-up that follows.
            return await whole(done(), seconds=CONNECT_SECONDS + READ_SECONDS + 1)
        try:
            async with asyncio.timeout(time_for_one_try()):
                return await done()
        except TimeoutError:
            raise NoReply("no answer in time") from None

    def _send(self, service: str, operation: str, wanted: dict[str, Any]) -> Answer | Refusal:
        """One try, in a thread. Raises NoReply, DnsProviderError."""
        from botocore import exceptions, parsers  # type: ignore[import-untyped]

        try:
            answer: Answer = getattr(self._client(service), operation)(**wanted)
        except exceptions.ClientError as error:
            return _refusal(error)
        except (
            exceptions.ConnectionError,
            exceptions.HTTPClientError,
            exceptions.IncompleteReadError,
            parsers.ResponseParserError,
        ) as error:
            # Its text may hold the URL, never what was sent.
            raise NoReply(type(error).__name__) from None
        except (exceptions.BotoCoreError, MfaWanted, OSError) as error:
            raise failure_error(self.api, error) from None
        return answer

    def _client(self, service: str) -> Client:
        # Sessions are not for several threads at once; the clients they make are.
        with self._opening:
            if service not in self._clients:
                self._make = self._make or self._login.open()
                self._clients[service] = self._make(service)
            return self._clients[service]


def _refusal(error: Any) -> Refusal:
    """botocore's ClientError, which may also come from fetching credentials."""
    told = error.response.get("Error", {})
    about = error.response.get("ResponseMetadata", {})
    code = str(told.get("Code", ""))
    headers = dict(about.get("HTTPHeaders", {}))
    headers.setdefault("x-amzn-requestid", str(about.get("RequestId", "")))
    status = int(about.get("HTTPStatusCode", 400))
    return Refusal(
        error.operation_name,
        code,
        str(told.get("Message", "")),
        Reply(status, headers, code.encode()),
    )


def _limited(reply: Reply) -> float | None:
    """Route 53 does not say when to come back."""
    return 0.0 if reply.body.decode() in TOO_FAST else None
