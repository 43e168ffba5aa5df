"""What needs no model and no configuration loads no framework."""

import subprocess
import sys

FRAMEWORKS = ("torch", "transformers", "pytorch_lightning", "hydra", "omegaconf", "lm_eval", "datasets", "wandb")
CORE = ("artifacts", "prompts", "schemas", "metrics", "tables", "strategies", "analysis")
LOADED = """
import importlib, pkgutil, sys
for name in {core}:
    module = importlib.import_module(f"sppl.{{name}}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"sppl.{{name}}."):
        if found.name != "sppl.tables.inside":  # a part of how two kinds of tables are made
            importlib.import_module(found.name)
print(sorted({frameworks} & set(sys.modules)))
"""


def test_the_core_and_every_kind_of_table_load_no_framework(root):
    code = LOADED.format(core=CORE, frameworks=set(FRAMEWORKS))
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
