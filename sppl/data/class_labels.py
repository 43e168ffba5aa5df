"""Class labels of `datasets`: replaces the numbers in rows by the words that the data set's features give."""

from collections.abc import Mapping
from typing import Any


def class_names(features: Any) -> dict[str, list[str]]:
    """Returns, per field with class labels, their names in order, from features as `datasets` writes them."""
    return {
        field: [str(name) for name in about["names"]]
        for field, about in (features.items() if isinstance(features, Mapping) else ())
        if isinstance(about, Mapping) and about.get("_type") == "ClassLabel" and about.get("names")
    }


def with_names(record: Mapping[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    """Returns the record with words for its class labels, and null for -1, which means that none is given."""
    found = dict(record)
    for field, words in names.items():
        value = found.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            found[field] = words[value] if 0 <= value < len(words) else None
    return found
