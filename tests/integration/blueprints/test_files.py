"""What Home Assistant and its importer demand of the files."""

from pathlib import Path

import pytest

from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint import Blueprint
from homeassistant.util import yaml as yaml_util

from .conftest import BLUEPRINTS, REPOSITORY

FILES = sorted(BLUEPRINTS.glob("*.yaml"))
SOURCE_URL = "https://github.com/portshare/portshare/blob/main"


def test_there_are_four() -> None:
    assert len(FILES) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_blueprint_is_whole(path: Path) -> None:
    blueprint = Blueprint(
        yaml_util.load_yaml_dict(path), schema=AUTOMATION_BLUEPRINT_SCHEMA
    )
    assert blueprint.domain == "automation"
    assert blueprint.validate() is None
    metadata = blueprint.metadata
    assert metadata["source_url"] == f"{SOURCE_URL}/{path.relative_to(REPOSITORY)}"
    assert metadata["homeassistant"]["min_version"] == "2026.10.0"
    assert metadata["description"]
    assert set(blueprint.inputs) == yaml_util.extract_inputs(
        {key: value for key, value in blueprint.data.items() if key != "blueprint"}
    )
    for name, each in blueprint.inputs.items():
        assert each["name"], name
        assert each["selector"], name
