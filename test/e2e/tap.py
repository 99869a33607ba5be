# SPDX-License-Identifier: PostgreSQL
"""The Test Anything Protocol for the Python applications: a plan at the end, one line a test."""
import contextlib
import sys
import traceback

_count = 0
_failed = 0


def ok(condition, name, detail=""):
    global _count, _failed
    _count += 1
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition:
        _failed += 1
        for line in str(detail).splitlines():
            print(f"# {line}", flush=True)


def skip(name, reason):
    """A test that cannot run here."""
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {reason}", flush=True)


def same(got, want, name):
    ok(got == want, name, f"     got: {got!r}\nexpected: {want!r}")


@contextlib.contextmanager
def refused(sqlstate, name):
    """The block must end in a server error with this SQLSTATE."""
    try:
        yield
    except Exception as error:  # the driver's own classes carry sqlstate
        same(getattr(error, "sqlstate", repr(error)), sqlstate, name)
    else:
        ok(False, name, f"nothing was raised, expected {sqlstate}")


def run(*tests):
    """Runs each test; an exception out of one is a failure of its own. Ends the process."""
    for test in tests:
        try:
            test()
        except Exception:
            ok(False, f"{test.__name__} runs to its end", traceback.format_exc())
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed or not _count else 0)
