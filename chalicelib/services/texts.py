"""Texts of results for those who show them."""

from collections.abc import Iterable, Mapping

from chalicelib.domain.text import TextRef
from chalicelib.services.deps import Deps


def read_texts(
    deps: Deps, refs: Iterable[TextRef | None], *, consistent: bool
) -> Mapping[TextRef | None, str]:
    """All that these refer to, in one read, or in none when there is nothing to read. One that is missing
    reads as no text."""
    wanted = list(dict.fromkeys(refs))
    found = [ref for ref in wanted if ref is not None]
    texts = deps.texts.pick(found, consistent=consistent) if found else {}
    return {ref: "" if ref is None else texts.get(ref, "") for ref in wanted}
