"""Class labels of `datasets`: rows hold a number, the data set's features say which word it stands for."""

from collections.abc import Mapping
from typing import Any


def class_names(features: Any) -> dict[str, list[str]]:
    """Per field that holds class labels their names in order; of features as `datasets` writes them down."""
    return {
        field: [str(name) for name in about["names"]]
        for field, about in (features.items() if isinstance(features, Mapping) else ())
        if isinstance(about, Mapping) and about.get("_type") == "ClassLabel" and about.get("names")
    }


def with_names(record: Mapping[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    """The record with words for its class labels; null for -1, which stands for a label that is not told."""
    found = dict(record)
    for field, words in names.items():
        value = found.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            found[field] = words[value] if 0 <= value < len(words) else None
    return found
