"""The command line: all that knows Hydra, sys.argv, signals and processes. Nothing below imports it.

What is set here has to be set before torch is imported, in the processes of a sweep as well.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning thread pools on a shared CPU collapse
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("WANDB_SILENT", "true")
