"""What pyproject.toml cannot say: the page of definitions goes into the package from ``docs/``."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildPy(build_py):
    """Copies the page beside the modules of the report, which quotes it."""

    def run(self) -> None:
        """Build the package, with the page unless it stays where it is."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "latentomics", "report", "evaluations.md")
            self.copy_file("docs/evaluations.md", str(target))


setup(cmdclass={"build_py": BuildPy})
