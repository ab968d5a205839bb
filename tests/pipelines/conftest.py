"""One finished run for all tests of the runner, made once even when pytest-xdist runs several workers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from small_run import recipe_of

from castwright.pipelines.runner import run_recipe


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run of the small recipe; copy it before changing anything."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "finished-run"
    with FileLock(f"{folder}.lock"):
        if not (folder / "export" / "manifest.json").is_file():
            results = run_recipe(recipe_of(), folder)
            assert not any(result.reused for result in results)
    return folder


@pytest.fixture
def standing(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished run that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "run"))
