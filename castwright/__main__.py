"""`castwright` and `python -m castwright`: errors a user can mend are one line and exit code 2, a stop 3 or 130."""

from __future__ import annotations

import os
import sys
import traceback
import warnings

# distilabel 1.5 declares a default in a way that pydantic 2.14 warns about at every import
warnings.filterwarnings("ignore", message="The 'default' attribute with value None was provided")


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from castwright.cli import app
    from castwright.errors import CastwrightError, Stopped

    try:
        app()
    except CastwrightError as error:
        one_line = " ".join(line.strip() for line in str(error).splitlines())
        print(f"castwright: {one_line}", file=sys.stderr)  # noqa: T201 (this is the command line)
        sys.exit(error.exit_code if isinstance(error, Stopped) else 2)
    except Exception:
        # distilabel installs a traceback that prints local variables, and those may hold what must not be shown
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
