"""Code in an answer: fenced blocks, or an answer that is bare code, normalised for comparison.

Only what cannot change a program is normalised away; inner indentation stays. Bare code is told by the shape
of its lines. (Rejected: parsing, which ties this to one language; running it belongs to another check.)
"""

from __future__ import annotations

import re
import textwrap

_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_CODE_LINE = re.compile(
    r"^\s*(?:def |class |return\b|import |from \w+ import|(?:for|while|if|elif|with|try|else|except)\b.*:\s*$|"
    r"@\w+|public |private |function |const |let |var |\}|\{)|^.*[;{]\s*$"
)
_ALSO_CODE = re.compile(r"^\s{2,}\S|^\s*#|^\s*[\w.\[\]]+\s*[-+*/]?=\s*\S|^\s*\w+\(.*\)\s*$")


def code_blocks(text: str) -> list[str]:
    """Return the fenced code blocks of a text, normalised; the whole text where it is bare code."""
    blocks = [normalise_code(block) for block in _FENCE.findall(text)]
    if blocks:
        return [block for block in blocks if block]
    lines = [line for line in text.splitlines() if line.strip()]
    sure = sum(bool(_CODE_LINE.match(line)) for line in lines)
    looks = sum(bool(_CODE_LINE.match(line) or _ALSO_CODE.match(line)) for line in lines)
    return [normalise_code(text)] if len(lines) >= 2 and sure and looks >= 0.8 * len(lines) else []


def normalise_code(code: str) -> str:
    """Return code without common indentation, trailing spaces, tabs and blank lines (inner indentation
    stays)."""
    lines = textwrap.dedent(code.expandtabs(4).strip("\n")).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip())
