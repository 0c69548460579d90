"""Placing an order, also where the CA does not take everything that it is given with it."""

from __future__ import annotations

from kmtui.core.acme import AcmeClient, Action, Order, Signer, action_for
from kmtui.core.acme.problems import own_problem
from kmtui.core.errors import AcmeError
from kmtui.core.problems import counted
from kmtui.core.progress import Progress
from kmtui.model import Problem, RequestSpec, RequestStatus

INVALID_PROFILE = "invalidProfile"


async def place(client: AcmeClient, signer: Signer, progress: Progress, authority: str) -> Order:
    """A new order, committed; without its predecessor or its profile where the CA refuses those.

    RFC 9773 section 5: 409 says that the predecessor was replaced already. Others say 400, 403 or
    404 for one they do not know or do not count as ours, or fail over it (500, after all repeated
    tries). A profile that is only preferred gives way
    where the CA does not offer it any more.
    """
    request = progress.request
    names, profile, replaces = request.names, request.spec.profile, request.replaces
    await progress.step(RequestStatus.ORDERING, f"ordering {counted(len(names), 'name')}")
    while True:
        try:
            order = await client.new_order(signer, names, profile=profile, replaces=replaces)
            break
        except AcmeError as error:
            if _gives_way(error.problem, request.spec, profile):
                text = f"ordering without the profile {profile}: {error.message}"
                await progress.log(text, level="warn")
                profile = None
            elif replaces is not None and _without_predecessor(error.problem):
                await progress.without_predecessor(error.message)
                replaces = None
            else:
                raise
    await progress.ordered(order.url, order.status, authority)
    return order


def refused_late(error: AcmeError, spec: RequestSpec) -> AcmeError:
    """The error of an order that cannot be finalized, as it is to be dealt with.

    A profile may be retired between order and finalization. Where it is only preferred, the next
    order goes without it.
    """
    if not _gives_way(error.problem, spec, spec.profile):
        return error
    problem = own_problem("kmtui:profile-retired", error.message)
    return AcmeError(problem.what, hint=problem.hint, problem=problem)


def _gives_way(problem: Problem | None, spec: RequestSpec, profile: str | None) -> bool:
    refused = problem is not None and problem.short_type == INVALID_PROFILE
    return refused and profile is not None and not spec.profile_required


def _without_predecessor(problem: Problem | None) -> bool:
    return problem is not None and action_for(problem, replaces=True) == Action.DROP_REPLACES
