"""`make run`: the deployed code, its schedule and its queue over an embedded engine, in one process tree."""

import os
import sys

from localrun import process


def main() -> int:
    process.leave_on_signals()
    process.follow_parent(os.environ)
    from chalicelib.settings import BadSetting

    try:
        from localrun.runner import run  # half a second of imports, in which a signal is heeded already
    except BadSetting as problem:  # of what the routes are declared with
        print(problem, file=sys.stderr)
        return 1
    return run(os.environ)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
