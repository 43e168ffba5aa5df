"""One class per kind of artifact of a study, each with its name, its inputs and how it is made."""
