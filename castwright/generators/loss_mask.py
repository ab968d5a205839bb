"""From spans of characters to labels of tokens: the loss of instruction pre-training (NGENT 4.1, equation 1).

The data set states its loss mask in characters, because a mask in tokens fits one tokenizer alone. Any tokenizer
that tells offsets turns it into labels here. Rejected: counting a token as trained when it only touches a span,
which would train on the end of a name.
"""

from __future__ import annotations

from collections.abc import Sequence

IGNORED = -100


def labels_from_spans(
    offsets: Sequence[tuple[int, int]], input_ids: Sequence[int], spans: Sequence[tuple[int, int]]
) -> list[int]:
    """Return one label per token: its id where it lies wholly inside a span, else -100 (no loss).

    `offsets` are the (start, end) characters of each token, as `return_offsets_mapping=True` gives them, and
    `spans` those of the trainable text, rising and apart. Special tokens have the offsets (0, 0) and no loss.

    Raises:
        ValueError: there are not as many offsets as ids.
    """
    labels: list[int] = []
    at = 0
    for (start, end), token in zip(offsets, input_ids, strict=True):
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        inside = start < end and at < len(spans) and spans[at][0] <= start and end <= spans[at][1]
        labels.append(token if inside else IGNORED)
    return labels
