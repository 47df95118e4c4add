"""The errors a user of skipnets can meet; the command turns their kind into its exit code."""


class SkipnetsError(Exception):
    """Something failed while the request itself was sound (exit code 1)."""


class BadInputError(SkipnetsError, ValueError):
    """The request names something that does not exist or is not allowed (exit code 2)."""


def require(least: float, most: float | None = None, **numbers: float) -> None:
    """Refuse numbers that are not from ``least`` to ``most``, or where that is None not at least ``least``.

    Raises:
        BadInputError: It names the first such number, its value and what is allowed.
    """
    for name, number in numbers.items():
        if not least <= number <= (number if most is None else most):
            allowed = f"at least {least:g}" if most is None else f"{least:g} to {most:g}"
            raise BadInputError(f"{name} {number}: expected {allowed}")


def require_positive(**numbers: float | None) -> None:
    """Refuse numbers that are not above 0; None passes.

    Raises:
        BadInputError: It names the first such number.
    """
    for name, number in numbers.items():
        if number is not None and not number > 0:
            raise BadInputError(f"{name} {number}: expected a number above 0")


class DamagedFileError(SkipnetsError):
    """A file that skipnets wrote no longer reads back as written."""


class RunBusyError(SkipnetsError):
    """Another process is training this run at the moment."""


class RunPausedError(SkipnetsError):
    """Training stopped before its end, by request or for lack of time; a checkpoint holds all that was done."""
