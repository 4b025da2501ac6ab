"""The rules of the house, checked: layers, style, types, what may import torch, and sizes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("avatar/**/*.py"), *ROOT.glob("workers/**/*.py")])


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_layers_hold() -> None:
    assert _run(_tool("lint-imports"), "--no-cache") == ""


def test_ruff_finds_nothing() -> None:
    assert _run(_tool("ruff"), "check", "--no-cache", ".") == ""


def test_types_are_strict_and_sound() -> None:
    assert _run(_tool("mypy"), "--no-incremental", "--cache-dir=/dev/null") == ""


LIGHT = ("cli.main", "cli.tidy", "cli.shelf", "stages.intake", "web.app", "service")


@pytest.mark.parametrize("module", [*(f"avatar.{name}" for name in LIGHT), "workers.light", "workers.purge"])
def test_light_modules_do_not_load_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)"
    assert _run(sys.executable, "-c", code) == ""


def test_no_stage_imports_another_stage() -> None:
    for path in ROOT.glob("avatar/stages/*.py"):
        assert "avatar.stages" not in path.read_text().replace('"""', ""), path.name


def test_no_module_has_a_name_that_says_nothing() -> None:
    nothing = {"models", "utils", "helpers", "common", "core", "misc"}
    assert not [path for path in SOURCES if path.stem in nothing or path.parent.name in nothing]


def test_files_and_functions_stay_short() -> None:
    for path in SOURCES:
        text = path.read_text()
        assert text.count("\n") <= 280, path
        for node in ast.walk(ast.parse(text)):
            if "migrations" in path.parts:  # a list of columns, written once
                continue
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno <= 50, f"{path}:{node.lineno} {node.name}"


def test_packages_hold_a_docstring_and_nothing_else() -> None:
    for path in ROOT.glob("avatar/**/__init__.py"):
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, path
        assert isinstance(body[0], ast.Expr), path


def test_every_folder_of_the_tree_in_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    tree = readme.split("## The tree", 1)[1].split("```")[1]
    for line in tree.strip().splitlines():
        assert (ROOT / line.split()[0]).exists(), line


def test_unsafe_ways_to_load_and_to_run_are_not_used() -> None:
    banned = re.compile(
        r"torch\.load\((?![^)]*weights_only=True)|import pickle|shell=True|os\.system\(|trust_remote_code=True"
    )
    assert not [f"{path}: {found[0]}" for path in SOURCES if (found := banned.search(path.read_text()))]
