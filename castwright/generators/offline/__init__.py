"""The offline model: deterministic, rule-based, without weights or network.

It reads the tagged sections of a prompt and writes an honest, plain result, so that demos, dry runs, cost
estimates and tests need nobody. One module per kind of writing; wording lies in `data/`, where it can be mended
without code. (Rejected: a tiny neural model, which is neither small enough to embed nor repeatable everywhere.)
"""
