"""Cron expressions that the grammar takes, drawn without its help."""

from hypothesis import strategies as st

_WEEKDAYS = ("SUN", "mon", "Tue", "WED", "thu", "FRI", "sat")
_MONTHS = ("JAN", "feb", "Mar", "APR", "may", "JUN", "jul", "AUG", "sep", "OCT", "nov", "DEC")
_FORMS = ("*", "*/{step}", "{first}", "{first}-{last}", "{first}/{step}", "{first}-{last}/{step}")


def fields(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    size = high - low + 1

    def spelled(number: int, by_name: int) -> str:
        return names[number - low] if by_name and number - low < len(names) else str(number)

    def written(drawn: int) -> str:
        """One number for all of a term's parts, as each draw takes its time."""
        drawn, form = divmod(drawn, len(_FORMS))
        drawn, by_name = divmod(drawn, 2)
        drawn, step = divmod(drawn, size)
        bounds = sorted(low + number for number in divmod(drawn, size))
        first, last = (spelled(number, by_name) for number in bounds)
        return _FORMS[form].format(first=first, last=last, step=step + 1)

    terms = st.integers(0, len(_FORMS) * 2 * size**3 - 1).map(written)
    return terms | st.lists(terms, min_size=2, max_size=3).map(",".join)


def expressions(hour: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[str]:
    """Every one has a day that exists: one of the first 28, or else a weekday will do."""
    days = st.tuples(fields(1, 28), fields(1, 12, _MONTHS), fields(0, 7, _WEEKDAYS))
    any_days = st.tuples(fields(1, 31), fields(1, 12, _MONTHS), st.just("1-5"))
    most = st.just(("*", "*", "*"))
    parts = st.tuples(fields(0, 59), fields(0, 23) if hour is None else hour, most | days | any_days)
    return parts.map(lambda part: " ".join((part[0], part[1], *part[2])))
