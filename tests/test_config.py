"""Options: command line over environment, and who may use a data directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kmtui import config
from kmtui.core.errors import InvalidInput


def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"KMTUI_DATA": str(tmp_path / "a"), "KMTUI_READ_ONLY": "1"}

    options = config.gather(environ, data=tmp_path / "b")

    assert options.data == tmp_path / "b"
    assert options.read_only


def test_who_called_sudo_is_the_one_who_acts() -> None:
    assert config.gather({"SUDO_USER": "mary"}).actor.startswith("mary@")
    assert not config.gather({}).actor.startswith("@")


def test_where_they_come_from_is_told_as_far_as_the_environment_knows() -> None:
    uid = f"uid {os.getuid()}"
    over_ssh = {"SUDO_USER": "mary", "SSH_CONNECTION": "192.0.2.7 50122 192.0.2.1 22"}

    assert config.gather({}).origin == uid
    assert config.gather(over_ssh).origin == f"{uid}, sudo mary, ssh 192.0.2.7"
    assert config.gather({"INVOCATION_ID": "0" * 32}).origin == f"{uid}, systemd"
    assert len(config.gather({"SUDO_USER": "m" * 9999}).origin) < 200


def test_one_way_to_unlock_sets_the_environments_aside(tmp_path: Path) -> None:
    environ = {"KMTUI_KEY_FILE": "/etc/kmtui.key", "KMTUI_PASSPHRASE_FILE": "/etc/kmtui.pass"}

    from_environment = config.gather(environ)
    given = config.gather(environ, passphrase_fd=3)

    assert from_environment.key_file == Path("/etc/kmtui.key")
    assert (given.key_file, given.passphrase_file, given.passphrase_fd) == (None, None, 3)


def test_a_systemd_credential_is_used_when_nothing_else_is_given(tmp_path: Path) -> None:
    (tmp_path / "kmtui.key").write_bytes(b"k" * 32)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert config.gather(environ).key_file == tmp_path / "kmtui.key"
    assert config.gather(environ, key_file=Path("other")).key_file == Path("other")
    assert not config.gather({"CREDENTIALS_DIRECTORY": "/absent"}).unlocks


def test_a_switch_that_is_neither_on_nor_off_names_itself() -> None:
    with pytest.raises(InvalidInput) as refused:
        config.gather({"KMTUI_READ_ONLY": "maybe"})

    assert refused.value.field == "KMTUI_READ_ONLY"


def test_a_hardened_process_dumps_no_core_and_writes_private_files(tmp_path: Path) -> None:
    program = (
        "import os, resource, ctypes\n"
        "from kmtui.config import harden_process\n"
        "harden_process()\n"
        "open('file', 'w').close()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0], oct(os.stat('file').st_mode & 0o777),"
        " ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    soft, mode, dumpable = done.stdout.split()
    assert (soft, mode) == ("0", "0o600")
    assert dumpable == "0" or not os.uname().sysname.startswith("Linux")
