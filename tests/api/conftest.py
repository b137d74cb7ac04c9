"""The command line, to compare the front door with."""

from tests.cli.conftest import script  # noqa: F401 a fixture
