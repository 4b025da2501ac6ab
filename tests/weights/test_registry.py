from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from avatar.errors import UnknownBase, WeightsMissing, WeightsRefused
from avatar.lora.recipes import RECIPES, recipe_for
from avatar.weights.registry import TABLE, Family, Origin, entry, find, place

ITS_OWN: dict[str, Any] = {"origin": Origin.FOLDER, "source": "", "licence": "", "licence_url": "", "commercial": False}
PICKLES = ("unet/diffusion_pytorch_model.bin", "text_encoder/pytorch_model.bin", "v1-5-pruned.ckpt", "vae/old.pt")


def test_a_folder_of_weights_is_found_by_its_path(folders: dict[str, Path]) -> None:
    small, large = find(folders["sd15"]), find(str(folders["sdxl"]))
    assert (small.family, small.resolution, small.origin) == (Family.SD15, 32, Origin.FOLDER)
    assert large.family is Family.SDXL
    assert place(small) == folders["sd15"]


def test_a_folder_of_our_own_base_is_drawn_with_as_that_base_and_has_its_recipe() -> None:
    shipped = place(TABLE["pocket"])
    found = find(shipped)
    assert replace(found, **ITS_OWN) == replace(TABLE["pocket"], **ITS_OWN)
    assert (found.origin, found.licence, found.commercial) == (Origin.FOLDER, "unknown", False)
    assert recipe_for(found) == RECIPES["pocket"]


def test_a_folder_does_not_become_a_base_of_the_table_by_its_name(folders: dict[str, Path], tmp_path: Path) -> None:
    named = shutil.copytree(folders["sdxl"], tmp_path / "pocket")
    found = find(named)
    assert found.name == "pocket (folder)"
    assert (found.family, found.native_token) == (Family.SDXL, "sks")


def test_a_name_nobody_knows_is_refused_and_the_known_ones_are_said() -> None:
    with pytest.raises(UnknownBase) as error:
        find("no-such-base")
    assert "sdxl" in error.value.remedy


def test_a_face_pack_is_in_the_table_but_is_no_base() -> None:
    assert entry("auraface").licence == "Apache-2.0"
    with pytest.raises(UnknownBase):
        find("auraface")


def test_weights_that_were_not_fetched_are_missing_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    for shelf in (tmp_path, None):
        with pytest.raises(WeightsMissing) as error:
            place(find("sdxl"), shelf)
        assert error.value.remedy == "avatar weights fetch sdxl"


def test_every_hub_base_is_pinned_to_a_full_commit_and_fetches_no_pickle() -> None:
    for base in TABLE.values():
        if base.origin is Origin.HUB:
            assert base.revision is not None
            assert len(base.revision) == 40
            assert base.files
            assert not any(fnmatch(pickle, pattern) for pattern in base.files for pickle in PICKLES)


def test_a_folder_that_names_foreign_code_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    index = json.loads((folders["sd15"] / "model_index.json").read_text())
    for change in ({"unet": ["my_code", "UNet"]}, {"_class_name": "FunnyPipeline"}):
        (tmp_path / "model_index.json").write_text(json.dumps(index | change))
        with pytest.raises(WeightsRefused):
            find(tmp_path)


def test_a_base_that_ships_with_the_package_is_looked_for_in_the_package() -> None:
    lost = replace(TABLE["pocket"], source="pocket/nowhere")
    with pytest.raises(WeightsMissing):
        place(lost)


def test_the_table_needs_no_torch_and_not_the_pocket_shelf() -> None:
    code = "import sys, avatar.weights.fetch; print({'torch', 'avatar.pocket'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("file", ["model_index.json", "history.json", "unet/config.json", "vae/config.json"])
@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_folder_with_a_broken_file_of_settings_is_refused_by_the_files_name(
    folders: dict[str, Path], tmp_path: Path, file: str, text: str
) -> None:
    copy = shutil.copytree(folders["sd15"], tmp_path / "copy")
    (copy / file).write_bytes(text.encode("latin-1"))
    with pytest.raises(WeightsRefused, match=Path(file).name):
        find(copy)
