"""Kinds of end server: data that forms are made of, and settings that fit."""

from __future__ import annotations

import pytest

from kmtui.core.errors import InvalidInput
from kmtui.core.servers import registry
from kmtui.core.servers.server import Shared


def test_every_kind_is_named_as_registered_and_described() -> None:
    assert [cls.kind for cls in registry.kinds()] == list(registry.KINDS)
    assert all(cls.title and cls.fields for cls in registry.kinds())


def test_settings_that_fit_come_back_without_blanks() -> None:
    settings = registry.checked("local", {"webroot": " /srv/www ", "probe": ""}, {})

    assert settings == {"webroot": "/srv/www"}
    assert registry.create("local", settings, {}, Shared()).kind == "local"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "webroot"),
        ({"webroot": "www"}, "webroot"),
        ({"webroot": "/srv", "x": "1"}, "x"),
        ({"webroot": "/srv", "probe": "h:0"}, "probe"),
    ],
)
def test_bad_settings_name_their_field(settings: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        registry.checked("local", settings, {})

    assert refused.value.field == field


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as refused:
        registry.checked("ftp", {}, {})

    assert "local" in refused.value.hint
