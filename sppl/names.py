"""What may name artifacts, folders and files."""

import re

NAME = re.compile(r"\w[\w.+=@-]*")
"""A name that leads out of no folder and needs no quotes."""
NAME_RULE = "use letters, digits and . _ + = @ - (first a letter, a digit or _)"
"""The same in words, for a message."""
