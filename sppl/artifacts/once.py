"""A property that is computed once."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    once = property  # a type checker takes no cached property for what a protocol calls a property
else:
    once = cached_property
