"""Chooses, per question, the strategy whose response has the lowest value."""

from collections.abc import Mapping, Sequence

from sppl.schemas import UserError


def choose_best(
    values: Mapping[str, Mapping[str, float]],
    right: Mapping[str, Mapping[str, bool]],
    ids: Sequence[str],
    *,
    only_right: bool,
) -> dict[str, str]:
    """Returns per question id the strategy whose response has the lowest value, of equal ones the first by name.

    Args:
        values: per strategy and question id, lower is better; a response that could not be scored has none.
        right: per strategy and question id, whether the response is right.
        ids: of the questions to choose for.
        only_right: wrong responses are taken only where no scored one is right.

    Raises:
        UserError: no response to one of the questions has a value.
    """
    chosen: dict[str, str] = {}
    for id_ in ids:
        scored = [name for name in sorted(values) if id_ in values[name]]
        wanted = [name for name in scored if right[name][id_]] if only_right else scored
        if not scored:
            raise UserError(f"no response to {id_} could be scored, so none is best: scorer.overlong left them out")
        chosen[id_] = min(wanted or scored, key=lambda name, id_=id_: values[name][id_])
    return chosen
