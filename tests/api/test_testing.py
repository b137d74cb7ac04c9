"""The assertions for anybody's tests, run as anybody runs them."""

import pytest
from torch import nn

import diagnose
from diagnose.testing import assert_equivalent, assert_operations, assert_parameters
from tests.api.nets import INPUT, PARAMETERS, Mine, Theirs


def failed(call, *arguments, **options):
    with pytest.raises(AssertionError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def with_dropout(rate):
    net = Mine()
    net.drop.p = rate
    return net


def test_a_port_passes():
    assert_equivalent(Mine(), Theirs(), inputs=INPUT)


def test_a_difference_fails_with_the_report():
    told = failed(assert_equivalent, with_dropout(0.5), Theirs(), inputs=INPUT)
    assert "Mine and Theirs are the same function at inference; in training they differ: 1 real difference." in told
    assert "drop ↔ classifier.1" in told


def test_the_page_is_in_pytests_temporary_folder(tmp_path_factory, request):
    told = failed(assert_equivalent, nn.ReLU(), nn.SiLU(), inputs="1x4")
    page = tmp_path_factory.getbasetemp() / "diagnose" / f"{request.node.name}.html"
    assert f"The page: {page}" in told
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_second_failure_of_a_test_has_a_page_of_its_own():
    pages = {failed(assert_equivalent, nn.ReLU(), nn.SiLU(), inputs="1x4").splitlines()[-1] for _ in range(2)}
    assert len(pages) == 2


class Undecided(nn.Module):
    """Reads a number from its input into Python and computes with it, so that one capture says nothing of others."""

    def forward(self, x):
        return x * float(x.sum())


def test_an_undetermined_comparison_fails_and_says_so():
    assert diagnose.compare(Undecided(), Undecided(), inputs="1x4").verdict == "undetermined"
    told = failed(assert_equivalent, Undecided(), Undecided(), inputs="1x4")
    assert "nothing shows that they are the same" in told


def test_a_mode_is_asserted_by_itself():
    assert_equivalent(with_dropout(0.5), Theirs(), inputs=INPUT, mode="eval")
    failed(assert_equivalent, with_dropout(0.5), Theirs(), inputs=INPUT, mode="train")


def test_own_weights_are_asserted():
    net = Mine()
    assert_equivalent(net, net, inputs=INPUT, weights="own")
    assert "compute different outputs" in failed(assert_equivalent, Mine(), Mine(), inputs=INPUT, weights="own")


def test_atol_lets_a_small_difference_pass_and_no_larger_one():
    exact, tanh = (nn.Sequential(nn.Linear(8, 8), nn.GELU(approximate=way)) for way in ("none", "tanh"))
    failed(assert_equivalent, exact, tanh, inputs="1x8", mode="eval")
    assert_equivalent(exact, tanh, inputs="1x8", mode="eval", atol=1e-2)
    failed(assert_equivalent, exact, tanh, inputs="1x8", mode="eval", atol=1e-7)


@pytest.mark.parametrize("reported", [str(PARAMETERS), "0.14k", "141"])
def test_a_number_is_met_as_it_is_written(reported):
    assert_parameters(Mine(), reported, inputs=INPUT)


def test_another_number_fails_with_what_would_give_it():
    assert "141 parameters" in failed(assert_parameters, Mine(), "150", inputs=INPUT)


def test_operations_pass_by_a_convention():
    assert_operations(nn.Conv2d(3, 8, 3, padding=1, bias=False), "221k", inputs="1x3x32x32")
    assert_operations(nn.Conv2d(3, 8, 3, padding=1, bias=False), "442k", inputs="1x3x32x32")


def test_operations_that_nothing_gives_fail():
    told = failed(assert_operations, nn.Conv2d(3, 8, 3, padding=1, bias=False), "999k", inputs="1x3x32x32")
    assert "999k" in told


@pytest.mark.slow
def test_a_failing_test_of_a_stranger_shows_the_report(pytester):
    pytester.makepyfile(
        """
        from torch import nn
        from diagnose.testing import assert_equivalent

        def test_port():
            assert_equivalent(nn.ReLU(), nn.SiLU(), inputs="1x4")

        def test_nothing():
            pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*ReLU and SiLU are different functions: 1 real difference.", "*The page: *test_port.html"]
    )
    result.stdout.no_fnmatch_line("*def _fail*")


def test_the_plugin_has_no_fixtures_and_no_options():
    from diagnose import pytest_plugin

    hooks = {name for name in vars(pytest_plugin) if name.startswith("pytest_")}
    assert hooks == {"pytest_configure", "pytest_unconfigure"}


def test_outside_pytest_the_page_is_in_a_temporary_folder(monkeypatch, tmp_path):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("diagnose.pytest_plugin._sessions", [])
    failed(assert_equivalent, nn.ReLU(), nn.SiLU(), inputs="1x4")
    assert len(list(tmp_path.glob("diagnose-*/*.html"))) == 1
