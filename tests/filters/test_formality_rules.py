"""The rules behind the formality score count what a reader can count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.formality_rules import Traits, rule_logit, traits_of


def test_traits_are_rates_of_what_stands_there() -> None:
    """Two contractions in five words, one of slang, no end mark, one sentence in lower case."""
    traits = traits_of("yeah it's what I don't")
    assert traits.contractions == pytest.approx(2 / 5)
    assert traits.slang == pytest.approx(1 / 5)
    assert traits.lower_case == 1.0
    assert traits.no_end_mark == 1.0


def test_silence_has_no_traits() -> None:
    """A text without words is neither, and its logit is 0."""
    assert traits_of("... 42") == Traits(0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert rule_logit("... 42") == 0.0


@given(st.text(max_size=200))
def test_any_text_has_a_bounded_logit(text: str) -> None:
    """Rates are capped, so no text is beyond all measure."""
    assert abs(rule_logit(text)) < 25
    assert traits_of(text) == traits_of(text)
