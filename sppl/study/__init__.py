"""What a study is made of: one class per kind of artifact, each with its name, its inputs and how it is made."""
