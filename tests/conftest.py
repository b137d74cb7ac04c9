"""What every test shares: property tests that no busy machine can fail, and that CI repeats example for example."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# Small networks gain nothing from threads, and on a busy machine these spend their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts tests in the background lets them ignore Ctrl-C, and every command under test would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "diagnose",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("diagnose")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A browser without a network; where there is none, what needs it is skipped."""
    from tests.browser import CHROMIUM, Browser

    if CHROMIUM is None:
        pytest.skip("there is no chromium on the PATH to open the page with")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()
