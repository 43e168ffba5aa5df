"""Packages that are found, and `conf/`, which becomes `sppl/conf` in the wheel; all else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["sppl", "sppl.*"]), "sppl.conf", "hydra_plugins"],
    package_dir={"sppl.conf": "conf"},
)
