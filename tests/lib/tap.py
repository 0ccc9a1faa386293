# SPDX-License-Identifier: Apache-2.0
"""Tests that print TAP: each function test_* of the main module is one.

    import tap
    def test_addition():
        tap.eq(1 + 1, 2)
    tap.main()

A test fails by any exception and is skipped by tap.Skip("why"). What tap.defer() was given runs
when all are through, last first. With names as arguments, only those tests run.
"""
import contextlib
import sys
import time
import traceback

_deferred = contextlib.ExitStack()


class Skip(Exception):
    """The test cannot run here; the text says why."""


def eq(got, want, what=""):
    """Like assert, but it shows both."""
    if got != want:
        raise AssertionError(f"{what}\n   got: {got!r}\n  want: {want!r}".lstrip("\n"))


def contains(text, part):
    if part not in text:
        raise AssertionError(f"{part!r} is not in:\n{text}")


def raises(kind, function, *args):
    """Returns the exception of that kind, which the call must raise."""
    try:
        function(*args)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def defer(function, *args):
    _deferred.callback(function, *args)


def enter(manager):
    """Enters a context that all tests share and that is left at the end."""
    return _deferred.enter_context(manager)


def wait_until(true, seconds=120, what="it", pause=0.01):
    """Polls until true() gives something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        got = true()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(pause)


def _comment(text):
    for line in text.rstrip().splitlines():
        print("#", line)


def _one(number, name, function):
    try:
        function()
        print(f"ok {number} - {name}")
        return True
    except Skip as why:
        print(f"ok {number} - {name} # SKIP {why}")
        return True
    except Exception:  # pylint: disable=broad-except
        _comment(traceback.format_exc())
        print(f"not ok {number} - {name}")
        return False


def main(module=None):
    module = module or sys.modules["__main__"]
    tests = [(name[5:], value) for name, value in vars(module).items()
             if name.startswith("test_") and callable(value)
             and (not sys.argv[1:] or name[5:] in sys.argv[1:])]
    sys.stdout.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    if not tests:
        sys.exit("no such test")
    print(f"1..{len(tests)}")
    good = [_one(number, *test) for number, test in enumerate(tests, 1)]
    _deferred.close()  # what it raises ends us with a status that counts as an error
    sys.exit(0 if all(good) else 1)
