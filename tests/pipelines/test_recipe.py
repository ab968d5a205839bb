"""A recipe is read strictly: a wrong key or value is one line with its place and the nearest right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from castwright.errors import RecipeError
from castwright.pipelines import recipe as module
from castwright.pipelines.recipe import STAGES, Recipe
from castwright.pipelines.recipe_file import read_recipe, validate_recipe
from castwright.pipelines.stages import STAGE_BY_NAME

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
# 20 random-looking characters in the shape of a provider's key: no key of anybody
PASTED = "sk-" + "Zq9X" * 8


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    """Write a recipe and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path, overrides: list[str] | None = None) -> str:
    """Return the one line that reading a recipe ends with."""
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_recipe_needs_nothing_but_a_name(tmp_path: Path) -> None:
    """Every other key has a default, and the file's name is the name where none is given."""
    assert validate_recipe({"name": "bare"}).stages == STAGES
    assert read_recipe(written(tmp_path, "seed: 1", "weekend.yaml")).name == "weekend"


def test_every_default_passes_its_own_validation() -> None:
    """A recipe written out in full, defaults and all, reads back as the same recipe."""
    recipe = validate_recipe({"name": "bare"})
    again = validate_recipe(recipe.model_dump(mode="json"))
    assert again == recipe


def test_the_defaults_of_every_section_pass_when_the_section_is_empty() -> None:
    """An empty mapping is a section with its defaults."""
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert validate_recipe({"name": "bare", name: {}}) == validate_recipe({"name": "bare"}), name


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_users_copy_validate(path: Path) -> None:
    """Each recipe of the repository is a valid recipe of its own name."""
    assert read_recipe(path).name == path.stem


def test_every_stage_of_the_recipe_is_a_stage_of_the_runner_and_a_section_of_that_name() -> None:
    """The names of stages, sections and runnable stages are the same."""
    assert set(STAGES) == set(STAGE_BY_NAME)
    assert set(STAGES) <= set(Recipe.model_fields)


WRONG_KEYS = {
    "at the top": ("name: mine\nperonas: {count: 3}\n", 2, "peronas", "personas"),
    "in a section": ("name: mine\npersonas:\n  cuont: 3\n", 3, "personas.cuont", "count"),
    "in a source of a list": (
        "name: mine\npersonas:\n  sources:\n    - kind: bundled\n    - kind: grid\n      modern_shre: 0.5\n",
        6,
        "personas.sources.1.modern_shre",
        "modern_share",
    ),
    "named as a kind is": ("personas:\n  grid: {count: 3}\n", 2, "personas.grid", ""),
    "in a table": ("chat:\n  kind: table\n  path: a.csv\n  colums: {text: t}\n", 4, "chat.colums", "columns"),
    "in the model block": (
        "model:\n  kind: openai\n  model: m\n  base-url: http://x/v1\n",
        4,
        "model.base-url",
        "base_url",
    ),
    "in a stage": ("persona_responses:\n  per_person: 2\n", 2, "persona_responses.per_person", "per_persona"),
    "in a stage's own model block": (
        "curate: {}\nseed_examples:\n  model:\n    kind: openai\n    model: m\n    temprature: 1\n",
        6,
        "seed_examples.model.temprature",
        "temperature",
    ),
    "in the training": ("rewriter_training:\n  max_step: 3\n", 2, "rewriter_training.max_step", "max_steps"),
    "in a filter": ("curate:\n  filters:\n    - nme: length\n", 3, "curate.filters.0.nme", "name"),
    "in the export": ("export:\n  licens: mit\n", 2, "export.licens", "licence"),
}


@pytest.mark.parametrize(("text", "line", "key", "right"), WRONG_KEYS.values(), ids=WRONG_KEYS.keys())
def test_a_wrong_key_is_named_with_its_line_and_the_nearest_right_one(
    tmp_path: Path, text: str, line: int, key: str, right: str
) -> None:
    """The error says file and line, the key, and what was probably meant."""
    path = written(tmp_path, text)
    message = refusal(path)
    assert message.startswith(f"{path}:{line}: unknown key '{key}'")
    assert (f"did you mean '{right}'?" in message) == bool(right)


WRONG_VALUES = {
    "an unknown model kind": (
        "model:\n  kind: opnai\n  model: m\n",
        1,
        ["opnai", "did you mean 'openai'", "transformers"],
    ),
    "a model block without a kind": ("model:\n  model: m\n", 1, ["model", "it needs a `kind`", "offline"]),
    "an unknown kind of a stage's own model": (
        "curate: {}\npersona_cards: {model: {kind: offlin}}\n",
        2,
        ["'offlin'", "'offline'"],
    ),
    "an unknown persona source": (
        "personas:\n  sources:\n    - kind: gird\n",
        3,
        ["'gird'", "did you mean 'grid'", "hub"],
    ),
    "an unknown row source": ("questions: {kind: tabel, path: q.csv}\n", 1, ["'tabel'", "did you mean 'table'"]),
    "an unknown stage": (
        "stages:\n  - persona_cards\n  - persona_respones\n",
        3,
        ["unknown stage 'persona_respones'", "did you mean 'persona_responses'"],
    ),
    "an unknown filter": (
        "curate:\n  filters:\n    - name: refusal\n    - name: lenght\n",
        4,
        ["unknown filter 'lenght'", "did you mean 'length'"],
    ),
    "an unknown filter option": (
        "curate:\n  filters:\n    - {name: length, options: {min_word: 3}}\n",
        3,
        ["'length'", "unknown option 'min_word'", "did you mean 'min_words'"],
    ),
    "a filter option of the wrong type": (
        "curate:\n  filters:\n    - {name: length, options: {min_words: many}}\n",
        3,
        ["min_words='many'"],
    ),
    "an unknown criterion": (
        "preference_pairs:\n  criteria:\n    verbos: 1\n",
        3,
        ["unknown criterion 'verbos'", "did you mean 'verbose'"],
    ),
    "a text where a number stands": ("name: mine\npersonas: {count: many}\n", 2, ["personas.count", "'many'"]),
    "a number out of its range": ("export:\n  validation: 1.5\n", 2, ["export.validation", "1.5"]),
    "a list where a section stands": ("name: mine\nexport: [1]\n", 2, ["export"]),
    "an empty section": ("name: mine\nexport:\n", 2, ["export", "None"]),
    "a name that is no folder name": ("name: ../up\n", 1, ["name", "'../up'"]),
    "an unknown engine": ("engine: ray\n", 1, ["engine", "'local'", "'ray'"]),
}


@pytest.mark.parametrize(("text", "line", "said"), WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
def test_a_wrong_value_is_one_line_with_its_place(tmp_path: Path, text: str, line: int, said: list[str]) -> None:
    """The error says file and line, the value, and what would do."""
    path = written(tmp_path, text)
    message = refusal(path)
    assert message.startswith(f"{path}:{line}: "), message
    for words in said:
        assert words in message


NO_RECIPE = {
    "an unclosed bracket": ("name: mine\nstages: [persona_cards\nseed: 1\n", ":3:5: not valid YAML"),
    "a tab": ("name: mine\n\tseed: 1\n", ":2:1: not valid YAML"),
    "a list": ("- name: mine\n", "is a mapping of keys, this is list"),
    "a text": ("hello\n", "is a mapping of keys, this is str"),
    "nothing": ("", "is a mapping of keys, this is NoneType"),
}


@pytest.mark.parametrize(("text", "said"), NO_RECIPE.values(), ids=NO_RECIPE.keys())
def test_what_is_no_yaml_mapping_is_refused_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    """Broken YAML has line and column; YAML that is no mapping says what it is."""
    path = written(tmp_path, text)
    message = refusal(path)
    assert message.startswith(str(path))
    assert said in message


def test_a_recipe_that_is_not_utf_8_says_at_which_byte(tmp_path: Path) -> None:
    """A recipe saved in another encoding is a user's error, no traceback."""
    path = tmp_path / "latin.yaml"
    path.write_bytes("description: café\n".encode("latin-1"))
    assert "not UTF-8 at byte 16" in refusal(path)


def test_a_missing_recipe_names_the_nearest_file(tmp_path: Path) -> None:
    """A misspelled file name brings the one that is there, and how to write a new one."""
    written(tmp_path, "name: ngent\n", "ngent.yaml")
    message = refusal(tmp_path / "ngnt.yaml")
    assert "did you mean 'ngent.yaml'?" in message
    assert "castwright new ngnt" in message
    assert "no recipe at" in refusal(tmp_path / "nowhere" / "a.yaml")
    assert "no recipe at" in refusal(tmp_path)


def test_set_changes_a_key_at_any_depth_and_makes_sections(tmp_path: Path) -> None:
    """Values are YAML, sections that are not there are made, what stands beside stays."""
    path = written(tmp_path, "name: mine\npersonas: {count: 3, sources: [{kind: bundled}]}\n")
    recipe = read_recipe(
        path,
        [
            "personas.count=500",
            "persona_responses.rewrite=none",
            "stages=[persona_cards, export]",
            "description=a=b",
            "rewriter_training.base=null",
            "persona_cards.model.kind=offline",
        ],
    )
    assert recipe.personas.count == 500
    assert [source.kind for source in recipe.personas.sources] == ["bundled"]
    assert recipe.persona_responses.rewrite == "none"
    assert recipe.stages == ("persona_cards", "export")
    assert recipe.description == "a=b"
    assert recipe.rewriter_training.base is None
    assert recipe.persona_cards.model is not None


BAD_SETS = {
    "no equals sign": ("personas.count", "write it as key=value"),
    "no key": ("=3", "write it as key=value"),
    "a value that is no section": ("seed.deep=3", "'seed' is not a section"),
    "an unknown key": ("personas.cout=3", "did you mean 'count'"),
    "a wrong type": ("personas.count=few", "'few'"),
    "a value that is no YAML": ("personas.sources=[", "not valid YAML"),
}


@pytest.mark.parametrize(("override", "said"), BAD_SETS.values(), ids=BAD_SETS.keys())
def test_a_wrong_set_is_one_line(tmp_path: Path, override: str, said: str) -> None:
    """Each way to get --set wrong is a recipe error."""
    path = written(tmp_path, "name: mine\nseed: 1\n")
    assert said in refusal(path, [override])


PASTES = {
    "as the name of the variable": f"model: {{kind: openai, model: m, api_key_env: {PASTED}}}",
    "under a key of its own": f"model: {{kind: openai, model: m, api_key: {PASTED}}}",
    "as the whole block": f"model: {PASTED}",
    "as a list": f"model: [{PASTED}]",
    "as the kind": f"model: {{kind: {PASTED}}}",
    "as a number's value": f"model: {{kind: openai, model: m, timeout: {PASTED}}}",
    "in the address": f"model: {{kind: openai, model: m, base_url: 'http://me:{PASTED}@host/v1'}}",
    "in the extra body": f"model: {{kind: openai, model: m, extra_body: {{api_key: {PASTED}}}}}",
    "as a key": f"model: {{kind: openai, model: m, {PASTED}: 1}}",
    "glued to a key": f"model: {{kind: openai, model: m, api_key={PASTED}}}",
    "in a stage's block": f"persona_cards: {{model: {{kind: openai, model: m, api_key: {PASTED}}}}}",
    "in a stage's block as it is": f"persona_cards: {{model: {PASTED}}}",
}


@pytest.mark.parametrize("text", PASTES.values(), ids=PASTES.keys())
def test_a_key_pasted_into_a_model_block_is_never_repeated(tmp_path: Path, text: str) -> None:
    """Wherever in the block the key was pasted, the error points at the place and not at the key."""
    message = refusal(written(tmp_path, f"name: mine\n{text}\n"))
    assert PASTED not in message
    assert "Zq9X" not in message
    assert "mine.yaml:2" in message


def test_a_key_set_on_the_command_line_is_never_repeated(tmp_path: Path) -> None:
    """--set is no way around: its value is not shown either."""
    path = written(tmp_path, "name: mine\nmodel: {kind: openai, model: m}\n")
    for override in (f"model.api_key={PASTED}", f"model.api_key_env={PASTED}", f"model.api_key=[{PASTED}"):
        assert "Zq9X" not in refusal(path, [override])


LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=4)
WILD = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Recipe.model_fields, "other"]), WILD, min_size=1, max_size=2))
def test_any_mapping_is_a_recipe_or_a_recipe_error(data: dict[str, Any]) -> None:
    """Whatever stands under the known keys, reading ends in a recipe or in one line."""
    try:
        recipe = validate_recipe({"name": "wild", **data})
    except RecipeError:
        return
    assert validate_recipe(yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json")))) == recipe


def test_the_model_of_a_stage_is_its_own_block_or_the_recipe_s() -> None:
    """A stage without a block of its own uses the one at the top."""
    own = {"kind": "openai", "model": "writer"}
    recipe = validate_recipe({"name": "two", "persona_cards": {"model": own}})
    assert recipe.model_of("persona_cards").kind == "openai"
    assert recipe.model_of("persona_responses").kind == "offline"
    assert recipe.model_of("export").kind == "offline"


def test_the_template_of_castwright_new_validates() -> None:
    """The recipe that `castwright new` writes is valid as it is written."""
    template = Path(module.__file__).with_name("recipe_template.yaml").read_text(encoding="utf-8")
    assert validate_recipe(yaml.safe_load(template.replace("NAME", "fresh"))).name == "fresh"


def test_a_key_that_stands_twice_is_an_error_with_both_lines(tmp_path: Path) -> None:
    """YAML takes the last of two equal keys without a word; a recipe does not."""
    path = tmp_path / "twice.yaml"
    path.write_text("seed: 1\nembeddings: offline\nseed: 2\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"twice.yaml:3: the key 'seed' stands twice \(first in line 1\)"):
        read_recipe(path)
