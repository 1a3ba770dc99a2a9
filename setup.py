"""A wheel holds the whole product: what ``vaebench run`` needs lies inside the package there.

Everything else about the build is in pyproject.toml. Nothing is copied in a checkout, nor in an
editable installation of one.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PARTS = ("Snakefile", "config.yaml", "environment.yml", "CITATION.cff", "configs", "profiles")
PARTS += ("workflow",)
INSIDE = "vaebench/product"


class WithProduct(build_py):
    """Also copies the workflow, its profiles and configurations into the package."""

    def run(self) -> None:
        """Build the package, then what lies beside it."""
        super().run()
        if not self.editable_mode:
            for source, target in self.product().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def product(self) -> dict[str, str]:
        """File of the checkout → its place in the wheel."""
        files = [Path(part) for part in PARTS if Path(part).is_file()]
        files += [file for part in PARTS for file in sorted(Path(part).rglob("*"))]
        return {
            str(file): str(Path(self.build_lib, INSIDE, file))
            for file in files
            if file.is_file() and "__pycache__" not in file.parts
        }

    def get_source_files(self) -> list[str]:
        """For a source distribution."""
        return [*super().get_source_files(), *self.product()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:  # noqa: FBT001, FBT002
        """For whoever asks what the build wrote."""
        return [*super().get_outputs(include_bytecode), *self.product().values()]


setup(cmdclass={"build_py": WithProduct})
