"""systemd units for the unattended run, as systemd itself reads them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kmtui.config import CREDENTIAL_NAME
from kmtui.core.errors import InvalidInput
from kmtui.core.schedule import CREDENTIAL, units


def made(
    program: str = "/usr/local/bin/kmtui",
    data: str = "/var/lib/kmtui",
    key_file: str = "/etc/kmtui/vault.key",
    user: str = "",
) -> dict[str, str]:
    return units(program=[program], data=Path(data), key_file=Path(key_file), user=user)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_service_makes_the_run_with_the_key_as_a_credential() -> None:
    service = lines(made(user="ca")["kmtui-renew.service"])

    assert "ExecStart=/usr/local/bin/kmtui --data /var/lib/kmtui renew --due" in service
    assert f"LoadCredential={CREDENTIAL_NAME}:/etc/kmtui/vault.key" in service
    assert CREDENTIAL == CREDENTIAL_NAME
    assert "User=ca" in service
    assert "SuccessExitStatus=75" in service
    assert not any(line.startswith("User=") for line in lines(made()["kmtui-renew.service"]))


def test_the_timer_comes_several_times_a_day_at_moments_of_its_own() -> None:
    timer = lines(made()["kmtui-renew.timer"])

    assert {"OnCalendar=hourly", "RandomizedDelaySec=55min", "Persistent=yes"} <= set(timer)


@pytest.mark.parametrize(
    ("data", "written"),
    [
        ("/srv/our certs", '"/srv/our certs"'),
        ("/srv/100%", "/srv/100%%"),
        ("/srv/$HOME", '"/srv/$$HOME"'),
        ('/srv/a"b\\c', '"/srv/a\\"b\\\\c"'),
        ("/srv/a;b", '"/srv/a;b"'),
    ],
)
def test_paths_are_one_word_whatever_they_hold(data: str, written: str) -> None:
    service = made(data=data)["kmtui-renew.service"]

    assert f"--data {written} renew --due\n" in service


def test_a_path_with_a_line_in_it_is_refused() -> None:
    for field in ("data", "key_file"):
        with pytest.raises(InvalidInput):
            made(**{field: "/srv/a\nExecStartPre=/bin/rm"})


def test_systemd_takes_the_units_where_it_is_installed(tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    program = tmp_path / "kmtui"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = made(str(program), "/srv/our certs $HOME 100%")
    for name, text in found.items():
        (tmp_path / name).write_text(text)

    if analyse is not None:
        done = subprocess.run(
            [analyse, "verify", "--man=no", *(str(tmp_path / name) for name in found)],
            capture_output=True,
            text=True,
        )
        complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
        assert complaints == []
