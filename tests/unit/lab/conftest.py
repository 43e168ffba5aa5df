"""Property tests here load a tokenizer inside the first example: no deadline per example."""

from hypothesis import settings

settings.register_profile("lab", deadline=None)
settings.load_profile("lab")
