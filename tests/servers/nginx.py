"""nginx, the real one, on loopback: a server that certificates are deployed to.

What to know before writing a test with it:

- It reads its certificate when it starts and when it is told to reload, so its files must be there
  before `start`.
- For a tenth of a second after a reload, new workers and old ones answer.
- `check` and `reload` are command lines for a shell on this machine, as an operator gives them.
"""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from pathlib import Path

from tests.servers.process import Process, Server, binary, free_port


class Nginx(Server):
    """A running nginx that serves TLS at `address` with a certificate and its key."""

    def __init__(self, *, certificate: Path, key: Path) -> None:
        super().__init__()
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._config = self.directory / "nginx.conf"
        self._text = f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off;
            worker_processes 1;
            pid {self.directory}/nginx.pid;
            events {{ }}
            http {{
                access_log off;
                client_body_temp_path {self.directory}/body;
                proxy_temp_path {self.directory}/proxy;
                fastcgi_temp_path {self.directory}/fastcgi;
                uwsgi_temp_path {self.directory}/uwsgi;
                scgi_temp_path {self.directory}/scgi;
                server {{
                    listen 127.0.0.1:{self.port} ssl;
                    ssl_certificate {certificate};
                    ssl_certificate_key {key};
                    return 204;
                }}
            }}
        """
        self.mend()
        command = [str(binary("nginx")), "-p", str(self.directory), "-c", str(self._config)]
        command += ["-e", str(self.directory / "error.log")]
        self.check = " ".join([*command, "-t"])
        self.reload = " ".join([*command, "-s", "reload"])
        self._process = Process(command, log=self.directory / "nginx.log")
        self._processes = [self._process]

    def spoil(self) -> None:
        """Writes something into the configuration that no check passes."""
        self._config.write_text(f"{self._text}\nno_such_directive on;\n")

    def mend(self) -> None:
        """Writes the configuration as it was."""
        self._config.write_text(self._text)

    def served(self) -> str:
        """Fingerprint of the certificate that is shown to whoever connects, lower-case hex."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection,
            context.wrap_socket(connection) as wrapped,
        ):
            shown = wrapped.getpeercert(binary_form=True)
        assert shown
        return hashlib.sha256(shown).hexdigest()

    def _spawn(self) -> None:
        self._process.spawn()

    def _wait(self) -> None:
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.served())
        except OSError:
            return False
