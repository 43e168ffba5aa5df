"""Runs what the configuration says: job stages, one job per point of a sweep, then rank and report over all of them.

Only hydra is imported at the top, so `--help` and `--cfg job` answer at once.
"""

import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: two spinning thread pools on one CPU collapse
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import hydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
