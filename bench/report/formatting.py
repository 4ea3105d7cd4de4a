"""Numbers and counts as text for people."""

from __future__ import annotations

from math import floor, log10

from bench.results.record import Ratio

_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_COUNT_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def format_interval(ratio: Ratio) -> str:
    """`12.3 [12.1, 12.6]`."""
    estimate, low, high = (format_ratio(number) for number in (ratio.estimate, ratio.low or 0.0, ratio.high or 0.0))
    return f"{estimate} [{low}, {high}]"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 kernel`, `2 kernels`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def reads_of_x(passes: float | None) -> str:
    """`2 ×`, how often a kernel reads X; `-` where that is not known."""
    return "-" if passes is None else f"{passes:g} ×"


def format_ratio(number: float) -> str:
    """`0.28`, `12.3`, `123k`: a ratio in few columns."""
    if number < 1:
        return f"{number:.2f}" if number >= 0.1 else format_significant(number, 2)
    return format_significant(number) if number < 10_000 else format_si(number).replace(" ", "")


def duration(seconds: float | None, digits: int = 3) -> str:
    """`12.3 µs`: so many digits and a unit; `-` for None."""
    if seconds is None:
        return "-"
    seconds = _rounded(seconds, digits)
    scale, unit = next((pair for pair in _TIME_UNITS if seconds >= pair[0]), _TIME_UNITS[-1])
    return f"{format_significant(seconds / scale, digits)} {unit}"


def format_si(number: float) -> str:
    """`12.3 G`: three digits and a decimal prefix."""
    number = _rounded(number, 3)
    scale, prefix = next((pair for pair in _COUNT_UNITS if number >= pair[0]), _COUNT_UNITS[-1])
    return f"{format_significant(number / scale)}{' ' if prefix else ''}{prefix}"


def format_count(number: float) -> str:
    """`12,800`: a whole number, rounded to three significant digits."""
    return f"{_rounded(number, 3):,.0f}"


def format_significant(number: float, digits: int = 3) -> str:
    """The number to that many digits; as a power of ten only below 0.001 and from a million on."""
    if number == 0:
        return "0"
    number = _rounded(number, digits) if number < 1000 else round(number)
    if not 1e-3 <= number < 1e6:
        return f"{number:.1e}"
    decimals = max(0, digits - 1 - floor(log10(number)))
    return f"{number:,.{decimals}f}" if number >= 10_000 else f"{number:.{decimals}f}"


def _rounded(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")


def clock(seconds: float) -> str:
    """`45 s`, `1 min 05 s`, `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
