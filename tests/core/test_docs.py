"""What the documents say is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot import command
from monitor import rule

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(text: str) -> list[str]:
    return [block.strip() for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]


def paths(text: str) -> set[str]:
    """What stands in backticks and looks like a path of the checkout."""
    named = re.findall(r"`([\w.][\w./-]*)`", text)
    tops = {each.name for each in ROOT.iterdir()}
    return {each for each in named if each.split("/")[0] in tops or "/" in each}


@pytest.mark.parametrize(
    "document",
    [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        *(
            f"docs/{name}.md"
            for name in (
                "alerts",
                "charts",
                "controls",
                "detection",
                "freqtrade",
                "reconciliation",
                "replay",
                "reports",
                "sdk",
                "setup",
                "slack",
                "telegram",
                "trades",
            )
        ),
    ],
)
def test_every_path_a_document_names_exists(document: str) -> None:
    named = paths((ROOT / document).read_text())
    assert [path for path in sorted(named) if not path.startswith("/") and not (ROOT / path).exists()] == []


def test_architecture_is_one_page_and_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(text.splitlines()) <= 80
    rooms = [each for each in (ROOT / "monitor").iterdir() if each.is_dir() and each.name != "__pycache__"]
    for room in [
        *rooms,
        ROOT / "bot" / "commands",
        ROOT / "bot" / "platforms",
        ROOT / "bot" / "settings",
        ROOT / "bot" / "setup",
        ROOT / "bot" / "web",
    ]:
        assert f"`{room.relative_to(ROOT)}/`" in text


def test_the_readme_s_two_commands_are_one_line_each_in_a_block_of_its_own() -> None:
    commands = [block for block in blocks(README) if block.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert all("\n" not in each for each in commands)
    assert commands[0].endswith("nightdesk demo")
    assert "[test]" in commands[1]
    assert commands[1].endswith("pytest")
    assert README.index("nightdesk demo") == README.index(commands[0]) + commands[0].index("nightdesk demo")


def test_the_commands_and_rules_that_the_readme_names_exist() -> None:
    named = re.findall(r"`/([a-z]+)", README)
    assert len(named) >= 10
    assert set(named) == set(command.discover())
    told = (ROOT / "docs" / "alerts.md").read_text()
    assert set(re.findall(r"`/([a-z]+)(?: |`)", told)) <= {*command.discover(), "live", "ready", "health", "metrics"}
    rules = re.findall(r"^\| `([a-z_]+)` \| (\w+)", README, re.MULTILINE)
    found = rule.discover()
    assert [severity for _, severity in rules] == [found[key].severity.name for key, _ in rules]
    assert len(rules) >= 7


def test_constraints_are_exact_and_hold_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in lines)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = {re.split(r"[\[><=]", each)[0].lower().replace("_", "-") for each in wanted}
    assert named <= {line.split("==")[0].lower().replace("_", "-") for line in lines}


def test_the_procfile_runs_the_bot() -> None:
    assert (ROOT / "Procfile").read_text() == "bot: nightdesk run\n"
