"""What a refusal of Amazon's means, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from kmtui.core.clock import utc_now
from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.route53_sets import name_of
from kmtui.core.errors import DnsProviderError

TITLE = "Amazon Route 53"
LONGEST_TEXT = 300
"""Characters of Amazon's own words in a message."""
MOST_SKEW = 300.0
"""Seconds a clock may be off before signatures are refused."""

TOO_FAST = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        # Somebody else's change of the same zone is still being taken.
        "PriorRequestNotComplete",
    }
)

PASSING = ("rate_limited", "transient")
"""Kinds of errors that are no word about what was asked."""

WHAT = {
    "AssumeRole": "assume the role",
    "AssumeRoleWithWebIdentity": "assume the role of this machine",
    "GetCallerIdentity": "tell who is signed in",
    "ListHostedZonesByName": "list the hosted zones",
    "GetHostedZone": "show the hosted zone",
    "ListResourceRecordSets": "read the records",
    "ChangeResourceRecordSets": "change the records",
    "GetChange": "tell whether a change is everywhere",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that says no; `text` is Amazon's."""

    operation: str
    code: str
    text: str
    reply: Reply

    @property
    def denied(self) -> bool:
        """Whether a right is missing."""
        return self.code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

    @property
    def lost_race(self) -> bool:
        """Whether a set is not, or no longer, as the batch says: it was read too early.

        An alias in the way is refused in similar words, and stays in the way.
        """
        return self.code == "InvalidChangeBatch" and bool(
            _LOST_RACE.search(self.text) and not _ALIAS.search(self.text)
        )

    @property
    def names(self) -> set[str]:
        """The names of the record sets that Amazon finds fault with."""
        return {name_of(name) for name in _NAMES.findall(self.text)}

    @property
    def lost_race_to_create(self) -> bool:
        """Whether all that is wrong is that a set to be created is there already."""
        return self.lost_race and not _LOST_DELETE.search(self.text)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do.

    Signature errors repeat what was signed, so rows about credentials leave `text` out.
    """

    kind: str
    message: str
    hint: str = ""


_LOST_RACE = re.compile(r"Tried to (create|delete) resource record set", re.IGNORECASE)
_NAMES = re.compile(r"\[name='([^']*)'")
_LOST_DELETE = re.compile(r"Tried to delete", re.IGNORECASE)
_ALIAS = re.compile(r"conflicting RRSet of type CNAME", re.IGNORECASE)
_NOT_ALLOWED = re.compile(
    r"(?:User: (?P<who>\S+) )?is not authorized to perform: (?P<action>\S+)"
    r"(?: on resource: (?P<resource>\S+))?(?P<why>.{,300})"
)

UNKNOWN_KEY = Meaning(
    "auth",
    "AWS does not know this access key",
    "compare `access_key_id` and `session_token` with what AWS shows; keys of China and GovCloud "
    "need their `region`",
)
EXPIRED = Meaning(
    "auth",
    "the temporary AWS credentials have expired",
    "give new keys with their `session_token`, or use a role or a profile, which renew themselves",
)
CLOCK = Meaning(
    "clock_skew",
    "the clock of this host is more than five minutes off, so AWS refuses its signatures",
    "set the clock by NTP",
)
CODES = {
    "InvalidClientTokenId": UNKNOWN_KEY,
    "UnrecognizedClientException": UNKNOWN_KEY,
    "InvalidAccessKeyId": UNKNOWN_KEY,
    "MissingAuthenticationToken": UNKNOWN_KEY,
    "MissingAuthenticationTokenException": UNKNOWN_KEY,
    "SignatureDoesNotMatch": Meaning(
        "auth",
        "AWS knows the access key, but the secret access key does not fit",
        "paste `secret_access_key` again: it belongs to exactly this `access_key_id`",
    ),
    "IncompleteSignature": Meaning(
        "auth",
        "AWS cannot read the signature: a key holds what does not belong there",
        "paste `access_key_id` and `secret_access_key` again",
    ),
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "InvalidIdentityToken": Meaning(
        "auth",
        "AWS does not accept the identity token that this machine was given",
        "check the role's identity provider and AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "RequestExpired": CLOCK,
    "RequestTimeTooSkewed": CLOCK,
    "OptInRequired": Meaning(
        "plan_restriction",
        "this AWS account is not signed up for Route 53",
        "finish signing up in the AWS console",
    ),
    "NoSuchHostedZone": Meaning(
        "zone_not_found",
        "this AWS account has no such hosted zone",
        "correct `hosted_zone_id`; it may be a zone of another account, which needs `role_arn`",
    ),
    "LimitsExceeded": Meaning(
        "quota", "a limit of this AWS account is reached: {text}", "ask AWS for a higher quota"
    ),
    "NoSuchChange": Meaning("invalid_request", "Route 53 does not know this change", "try again"),
}
CODES["SubscriptionRequiredException"] = CODES["OptInRequired"]

# The code alone does not tell which it is.
TEXTS = (
    (re.compile(r"Signature (expired|not yet current)", re.IGNORECASE), CLOCK),
    (
        _ALIAS,
        Meaning(
            "conflict",
            "the name is an alias (CNAME), so it cannot hold a TXT record: {text}",
            "let the alias be followed, or remove the CNAME record",
        ),
    ),
    (
        re.compile(r"is not permitted in zone", re.IGNORECASE),
        Meaning(
            "zone_not_found",
            "the hosted zone is not one of this name: {text}",
            "correct or clear `hosted_zone_id`",
        ),
    ),
    (
        re.compile(r"maximum number of|limit of \d+", re.IGNORECASE),
        Meaning("quota", "too many records: {text}", "remove values that nobody needs any more"),
    ),
)
OTHER = Meaning(
    "invalid_request",
    "Route 53 refused to {what} ({code}): {text}",
    "the words are Amazon's; try `kmtui dns test` for this account",
)

DENIED = "AWS does not allow {who} to {what}: {action} on {resource} is denied{why}"
POLICY = "allow {action} on {resource} in the policy of this user or role"
WAYS_OUT = {
    "AssumeRole": "let the role's trust policy name this user or role; when it wants an external "
    "id, set `external_id`",
    "AssumeRoleWithWebIdentity": "let the role's trust policy accept this machine's identity token",
    "ListHostedZonesByName": POLICY + ", or set `hosted_zone_id`",
    "ChangeResourceRecordSets": POLICY + "; its conditions must let TXT at this name be created "
    "and deleted (CREATE and DELETE, not UPSERT alone)",
}

# By the name of botocore's exception: what went wrong before anything was sent.
FAILURES = {
    "NoCredentialsError": Meaning(
        "auth",
        "no AWS credentials were found in the environment, the shared files, the container or the "
        "machine",
        "give `access_key_id` and `secret_access_key`, or a `profile`",
    ),
    "PartialCredentialsError": Meaning(
        "auth", "the AWS credentials are incomplete: {text}", "complete them where they come from"
    ),
    "ProfileNotFound": Meaning(
        "auth",
        "the AWS profile does not exist: {text}",
        "correct `profile`; its files are ~/.aws/config and ~/.aws/credentials of this user",
    ),
    "SSOError": Meaning(
        "auth",
        "there is no valid single sign-on session for this profile",
        "run `aws sso login` with this profile, as the user who runs kmtui",
    ),
    "LoginError": Meaning(
        "auth",
        "there is no valid login session for this profile",
        "run `aws login` with this profile, as the user who runs kmtui",
    ),
    "MfaWanted": Meaning(
        "unsupported",
        "the AWS profile wants a one-time password (mfa_serial)",
        "use a role or a user without MFA that may only change the TXT records",
    ),
    "CredentialRetrievalError": Meaning(
        "auth", "the AWS credentials cannot be fetched: {text}", "check where they come from"
    ),
    "InvalidConfigError": Meaning(
        "auth", "the AWS configuration cannot be used: {text}", "correct ~/.aws/config"
    ),
    "ConfigParseError": Meaning(
        "auth", "the AWS configuration cannot be read: {text}", "correct ~/.aws/config"
    ),
    "UnknownEndpointError": Meaning(
        "invalid_request", "AWS has no such region: {text}", "correct or clear `region`"
    ),
}
CODES["UnauthorizedException"] = FAILURES["SSOError"]
FAILURES["TokenRetrievalError"] = FAILURES["SSOError"]
FAILURES["MetadataRetrievalError"] = FAILURES["CredentialRetrievalError"]
FAILURES["UnknownCredentialError"] = FAILURES["InvalidConfigError"]
FAILURES["OSError"] = FAILURES["CredentialRetrievalError"]
OTHER_FAILURE = Meaning(
    "invalid_request", "the AWS library cannot make the call ({code})", "check this account's form"
)


def refusal_error(api: Api, refusal: Refusal) -> DnsProviderError:
    """What an answer of Amazon's means."""
    words = {"what": WHAT.get(refusal.operation, refusal.operation), "code": refusal.code}
    if refusal.denied:
        meaning = Meaning("permission", DENIED, WAYS_OUT.get(refusal.operation, POLICY))
        found = _NOT_ALLOWED.search(refusal.text)
        words |= {"who": "this user", "action": refusal.operation, "resource": "it", "why": ""}
        words |= {key: word for key, word in (found.groupdict() if found else {}).items() if word}
    else:
        meaning = _meaning(refusal)
    return _error(api, meaning, refusal.code, refusal.text, words, refusal.reply)


def failure_error(api: Api, failure: BaseException) -> DnsProviderError:
    """What an exception of the AWS library means that is no answer; the nearest row of its kind."""
    names = [kind.__name__ for kind in type(failure).__mro__]
    meaning = next((FAILURES[name] for name in names if name in FAILURES), OTHER_FAILURE)
    return _error(api, meaning, names[0], str(failure), {"code": names[0]})


def _meaning(refusal: Refusal) -> Meaning:
    for pattern, meaning in TEXTS:
        if pattern.search(refusal.text):
            return meaning
    found = CODES.get(refusal.code, OTHER)
    return CLOCK if found.kind == "auth" and _skew(refusal.reply) > MOST_SKEW else found


def _skew(reply: Reply) -> float:
    """Seconds between this clock and Amazon's; zero when it does not say."""
    try:
        there = parsedate_to_datetime(reply.headers.get("date", ""))
        return abs((there - utc_now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _error(
    api: Api,
    meaning: Meaning,
    code: str,
    text: str,
    words: dict[str, str],
    reply: Reply | None = None,
) -> DnsProviderError:
    words = words | {"text": " ".join(text.split())[:LONGEST_TEXT]}
    return api.error(
        meaning.message.format_map(words),
        kind=meaning.kind,
        hint=meaning.hint.format_map(words),
        code=code,
        reply=reply,
    )
