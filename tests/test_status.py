"""States that follow from dates, and how they are said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kmtui import status
from kmtui.model import (
    Certificate,
    CertificateStatus,
    RequestStatus,
    TargetState,
    Version,
    VersionStatus,
)

NOW = datetime(2026, 10, 1, 7, 12, tzinfo=UTC)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def certificate(life: float = 90, left: float = 60) -> Certificate:
    return Certificate(
        id="c", name="shop", names=("shop.example.org",), account_id=None, account=None, ca=None,
        key_type="ec256", profile=None, auto_renew=True, auto_save="ask", created_at=NOW,
        current_version=7, version_count=7,
        not_before=NOW + days(left - life), not_after=NOW + days(left),
    )  # fmt: skip


def version() -> Version:
    return Version(
        id="v", certificate_id="c", certificate="shop", request_id=None, number=1, serial="1",
        issuer="R11", subject="", names=(), not_before=NOW - days(30), not_after=NOW + days(60),
        key_type="ec256", sha256="", spki_sha256="", issued_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("life", "left", "expected"),
    [
        (90, 31, "valid"),
        (90, 29, "due"),
        (90, 6.9, "expiring"),
        (90, 0, "expiring"),
        (90, -0.01, "expired"),
        (6, 3.1, "valid"),  # short-lived: due at half, expiring at an eighth
        (6, 2.9, "due"),
        (6, 0.7, "expiring"),
        (398, 100, "due"),
        (398, 20, "due"),  # an eighth of a year would be too early to shout
    ],
)
def test_a_certificate_ages(life: float, left: float, expected: str) -> None:
    assert status.certificate_status(certificate(life, left), NOW) == expected


def test_the_renewal_time_of_the_ca_rules_over_the_fraction() -> None:
    early = replace(certificate(left=60), renew_at=NOW - days(1))
    late = replace(certificate(left=20), renew_at=NOW + days(5))

    assert status.certificate_status(early, NOW) == CertificateStatus.DUE
    assert status.certificate_status(late, NOW) == CertificateStatus.VALID


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"archived_at": NOW, "revoked_at": NOW}, CertificateStatus.ARCHIVED),
        ({"revoked_at": NOW}, CertificateStatus.REVOKED),
        ({"current_version": None, "unsaved_version": 1}, CertificateStatus.AVAILABLE),
        ({"current_version": None}, CertificateStatus.PENDING),
    ],
)
def test_what_was_done_weighs_more_than_dates(
    changes: dict[str, object], expected: CertificateStatus
) -> None:
    changed = replace(certificate(left=-5), **changes)  # type: ignore[arg-type]

    assert status.certificate_status(changed, NOW) == expected


def test_a_version_is_known_by_what_was_done_to_it() -> None:
    first = version()
    saved = replace(first, saved_at=NOW)
    replaced = replace(saved, replaced_at=NOW)

    later = NOW + days(90)
    assert status.version_status(first, NOW) == VersionStatus.AVAILABLE
    assert status.version_status(saved, NOW) == VersionStatus.CURRENT
    assert status.version_status(saved, later) == VersionStatus.EXPIRED
    assert status.version_status(replaced, later) == VersionStatus.REPLACED
    assert status.version_status(replace(replaced, revoked_at=NOW), NOW) == VersionStatus.REVOKED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "2026-10-31"),
        ({"renew_at": NOW + days(50)}, "2026-11-20"),
        ({"auto_renew": False}, "off"),
        ({"last_request_status": RequestStatus.QUEUED}, "queued"),
        ({"last_request_status": RequestStatus.VALIDATING}, "running"),
        (
            {"last_request_status": RequestStatus.PARKED, "last_request_error": "caa"},
            "blocked: caa",
        ),
        (
            {
                "last_request_status": RequestStatus.FAILED,
                "last_request_at": NOW,
                "last_request_error": "dns",
            },
            "failed 07:12 dns",
        ),
        ({"unsaved_version": 8, "last_request_status": RequestStatus.AVAILABLE}, "save v8"),
    ],
)
def test_the_last_attempt_is_told_beside_the_state(changes: dict[str, object], said: str) -> None:
    changed = replace(certificate(), **changes)  # type: ignore[arg-type]

    assert status.attempt_cell(changed, NOW)[0] == said
    assert status.certificate_status(changed, NOW) == CertificateStatus.VALID


@pytest.mark.parametrize("changes", [{"revoked_at": NOW}, {"current_version": None}])
def test_what_cannot_be_renewed_has_no_date_for_it(changes: dict[str, object]) -> None:
    changed = replace(certificate(), **changes)  # type: ignore[arg-type]

    assert status.attempt_cell(changed, NOW) == ("", "")


def test_every_status_word_of_the_model_has_a_look() -> None:
    words = {*CertificateStatus, *VersionStatus, *RequestStatus, *TargetState}

    assert {str(word) for word in words} - set(status.LOOKS) == set()
    assert all(look.glyph.isascii() and len(look.glyph) == 1 for look in status.LOOKS.values())


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (days(3), "3d"),
        (days(-3), "-3d"),
        (timedelta(hours=5), "5h"),
        (timedelta(minutes=-12), "-12m"),
        (timedelta(seconds=40), "40s"),
        (timedelta(0), "0s"),
        (timedelta(seconds=-0.4), "0s"),
    ],
)
def test_spans_are_said_in_their_largest_unit(delta: timedelta, said: str) -> None:
    assert status.span(delta) == said


def test_times_are_said_as_an_operator_reads_them() -> None:
    assert status.duration(42) == "0:42"
    assert status.duration(3723) == "1:02:03"
    assert status.days_left(NOW + days(3), NOW) == 3
    assert status.days_left(NOW - days(0.5), NOW) == -1
    assert status.ago(NOW - days(2), NOW) == "2d ago"
    assert status.when_short(NOW - days(3), NOW) == "09-28"


def test_of_a_deleted_certificate_it_is_told_when_its_keys_go() -> None:
    deleted = replace(certificate(), archived_at=NOW, unsaved_version=8)

    assert status.attempt_cell(deleted, NOW) == ("purge 2026-10-31", "muted")
    assert status.attempt_cell(replace(deleted, purged_at=NOW), NOW) == ("purged", "muted")
