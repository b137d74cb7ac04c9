"""What every test shares: property tests that no busy machine can fail, and that CI repeats example for example."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "diagnose",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("diagnose")
