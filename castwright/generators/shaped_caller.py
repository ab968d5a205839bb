"""One loaded model that is asked for replies of two shapes.

A long text is read in parts and then made a card: two tasks, two schemas, and one model that must be loaded once,
because a checkpoint is gigabytes. (Rejected: a step for each task, which loads the model twice.)
"""

from __future__ import annotations

import copy
from typing import Any

from castwright.generators.caller import Caller


class ShapedCaller(Caller):
    """A caller that can be asked for another shape of reply; see `Caller`."""

    def shaped(self, schema: dict[str, Any]) -> Caller:
        """Return a view of this caller, loaded and closed with it, whose replies follow another schema.

        A model without a coroutine is called in batches with the arguments of this one: it takes no schema.
        """
        view = copy.copy(self)
        view._schema = schema
        if "json_schema" in self._arguments:
            view._arguments = {**self._arguments, "json_schema": schema}
        return view
