"""One desk for one database, and what was committed is there: shown with processes that are really killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.ports import Change, StoreError
from monitor.storage import open_store
from tests.stores import T0, a_sample, new_database, opened

_HOLD = """
import asyncio, sys
from monitor.storage import open_store

async def main():
    store = await open_store(sys.argv[1])
    print("open", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

_COMMIT = """
import asyncio, sys
from monitor.ports import Change
from monitor.storage import open_store
from tests.stores import T0, a_notification, a_sample

async def main():
    store = await open_store(sys.argv[1])
    for step in range(1_000_000):
        change = Change(
            samples=[a_sample(agent, T0 + step) for agent in ("alpha", "beta")],
            notifications=[a_notification(f"n{step}", alert=f"a{step}")],
        )
        await store.commit(change)
        print(step, flush=True)

asyncio.run(main())
"""

_FULL_DISK = """
import asyncio, resource, signal, sys
from monitor.ports import Change, StoreError
from monitor.storage import open_store
from tests.stores import T0, a_sample

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await open_store(sys.argv[1])
    room = [(1 << 20, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_FSIZE, room[0])
    stored = 0
    try:
        for stored in range(100):
            fleet = [a_sample(f"{stored}-{number}", T0, error="x" * 200) for number in range(1000)]
            await store.commit(Change(samples=fleet))
    except StoreError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, room[1])
    print(len(await store.agents()) == 1000 * stored, stored > 0)
    await store.commit(Change(samples=fleet))
    print(len(await store.agents()) == 1000 * (stored + 1))
    await store.close()

asyncio.run(main())
"""

_BOUND = 20.0


@asynccontextmanager
async def _process(program: str, database: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program under way, which is killed at the end if it still lives."""
    arguments = (sys.executable, "-c", program, str(database))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), _BOUND)).decode().strip()


@pytest.mark.slow
async def test_a_second_desk_is_refused_by_the_pid_of_the_first_until_that_is_killed(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    async with _process(_HOLD, path) as first:
        assert await _line(first) == "open"
        with pytest.raises(StoreError) as refused:
            await open_store(f"sqlite:///{path}")
        assert str(refused.value) == (
            f"Another Nightdesk (pid {first.pid}) already uses nightdesk.db: "
            "stop it first, or give this one its own database."
        )
        first.kill()
        await asyncio.wait_for(first.wait(), _BOUND)
    async with opened(path) as second:
        assert await second.agents() == {}


async def test_a_database_reached_by_another_name_is_the_same_database(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    (tmp_path / "other.db").symlink_to(path)
    async with opened(path):
        with pytest.raises(StoreError, match=rf"Another Nightdesk \(pid {os.getpid()}\)"):
            await open_store(str(tmp_path / "other.db"))
    async with opened(tmp_path / "other.db"):
        pass


@pytest.mark.slow
async def test_everything_a_killed_process_said_it_had_committed_is_there(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    async with _process(_COMMIT, path) as writer:
        for _ in range(100):
            await _line(writer)
        writer.send_signal(signal.SIGKILL)
        assert writer.stdout is not None
        rest = await asyncio.wait_for(writer.stdout.read(), _BOUND)
    last = max([99, *(int(line) for line in rest.split(b"\n")[:-1])])
    async with opened(path) as store:
        times = [each.time for each in await store.samples("alpha", 0)]
        assert times[: last + 1] == [T0 + step for step in range(last + 1)]
        assert times == [each.time for each in await store.samples("beta", 0)]
        assert await store.undelivered() == (len(times), T0)


@pytest.mark.slow
async def test_a_full_disk_stores_nothing_of_the_change_and_the_store_lives_on(tmp_path: Path) -> None:
    async with _process(_FULL_DISK, new_database(tmp_path)) as process:
        said = [await _line(process) for _ in range(3)]
        assert await asyncio.wait_for(process.wait(), _BOUND) == 0
    assert "nightdesk.db cannot be used" in said[0]
    assert "free some space" in said[0]
    assert said[1:] == ["True True", "True"]


@pytest.mark.parametrize(
    "url",
    ["postgresql://ana:secret@db/desk", "mongo://ana:secret@db:x", "sqlite://db/desk", "sqlite://", ":memory:", ""],
)
async def test_an_address_that_is_no_file_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreError, match=r"^The database [a-zA-Z ]+: write it like sqlite:///nightdesk\.db\.$"):
        await open_store(url)


async def test_a_folder_a_missing_folder_and_a_damaged_file_each_get_one_sentence(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database at all " * 500)
    for path, sentence in (
        (tmp_path, r"is a folder: name a file in it, like .*/nightdesk\.db\.$"),
        (tmp_path / "none" / "nightdesk.db", r"The folder .*/none of the database does not exist: create it first\.$"),
        (damaged, r"The database damaged\.db cannot be used \(file is not a database\): .* restore it from a backup"),
    ):
        for _ in range(2):  # the first refusal gave back the lock
            with pytest.raises(StoreError, match=sentence):
                await open_store(str(path))


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A database in a folder that we may not write to, whoever we are."""
    path = new_database(tmp_path)
    tmp_path.chmod(0o500)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)  # root may write anywhere
    yield path
    os.seteuid(was)
    tmp_path.chmod(0o700)


async def test_a_folder_that_may_not_be_written_to_gets_one_sentence(forbidden: Path) -> None:
    with pytest.raises(StoreError, match=r"nightdesk\.db\.lock cannot be written \(Permission denied\): give the"):
        await open_store(str(forbidden))


async def test_closing_lets_a_commit_end_leaves_one_whole_file_and_takes_no_more(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{new_database(tmp_path)}")
    commit = asyncio.create_task(store.commit(Change(samples=[a_sample()])))
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    await commit
    with pytest.raises(StoreError, match=r"^The database nightdesk\.db is closed\.$"):
        await store.samples("alpha", 0)
    assert {each.name for each in tmp_path.glob("*")} == {"nightdesk.db", "nightdesk.db.lock"}  # noqa: ASYNC240 - no log is left beside it
    async with opened(tmp_path / "nightdesk.db") as again:
        assert await again.samples("alpha", 0) == [a_sample()]
