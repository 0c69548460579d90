"""How long the list of certificates takes to show its first rows: 100,000 of them against 100."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from kmtui.app import KmtuiApp
from kmtui.config import Options
from kmtui.core.core import Core
from kmtui.db import certificates
from kmtui.db.database import Database
from kmtui.db.files import FILE_NAME
from kmtui.model import Certificate
from kmtui.widgets.rowtable import RowTable

ROUNDS = 5
SIZES = (100, 100_000)


def fill(data: Path, count: int) -> None:
    """An inventory of `count` certificates that differ in id, name and expiry."""
    db = Database.open(data / FILE_NAME)
    first = Certificate(
        id=str(uuid.uuid4()),
        name="name-000000.example.org",
        names=("name-000000.example.org",),
        account_id=None,
        account=None,
        ca=None,
        key_type="ec256",
        profile=None,
        auto_renew=True,
        auto_save="ask",
        created_at=datetime.now(UTC),
    )
    db.write_sync(lambda session: certificates.insert(session, first))
    db.close_sync()
    connection = sqlite3.connect(data / FILE_NAME)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(certificate)")]
    changed = {
        "id": "printf('%08x', i)",
        "name": "printf('name-%06d.example.org', i)",
        "search_text": "printf('name-%06d.example.org', i)",
        "expiry_key": "printf('2027-%02d-%02dT00:00:00.000000Z', 1 + i % 12, 1 + i % 28)",
    }
    values = ", ".join(changed.get(column, column) for column in columns)
    with connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO certificate ({', '.join(columns)}) "
            f"SELECT {values} FROM certificate, n WHERE certificate.id = ?",
            (count - 1, first.id),
        )
    connection.close()


async def seconds_to_rows(data: Path, count: int) -> float:
    """From the first paint to a list that shows its first page."""
    options = Options(data=data)
    app = KmtuiApp(options, lambda: Core.open(data))
    async with app.run_test(size=(80, 24)) as pilot:
        start = time.perf_counter()
        # The first screen has no table yet: it is the frame that is painted before the imports.
        while not any(table.row is not None for table in app.screen.query(RowTable)):
            await asyncio.sleep(0.001)
            assert time.perf_counter() - start < 60
        took = time.perf_counter() - start
        await pilot.pause()
    await app.close_core()
    return took


def main() -> None:
    """Alternately, so that a busy moment of the machine meets both."""
    with tempfile.TemporaryDirectory() as directory:
        places = {size: Path(directory) / str(size) for size in SIZES}
        for size, place in places.items():
            fill(place, size)
        times: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size, place in places.items():
                times[size].append(asyncio.run(seconds_to_rows(place, size)))
    few, many = (statistics.median(times[size]) for size in SIZES)
    print(
        f"list of 100,000      {many / few:5.2f} x a list of 100 (goal 1.5)"
        f"   ({many * 1000:.0f} ms, {few * 1000:.0f} ms)"
    )


if __name__ == "__main__":
    main()
