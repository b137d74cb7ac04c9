"""What is said of a reported number: a known network's figure, an edit, both or neither."""

from diagnose.params.gap.report import gap_verdict
from diagnose.params.run import run


def gap(model, text, **options):
    return run(model, reported=text, **options).gap


def test_an_exact_number_of_a_known_network_stands_out_where_no_edit_gives_it():
    answer = run("torchvision:vgg16", reported="11,689,512")
    assert answer.gap.known.stands_out
    assert answer.gap.known.matches[0].network.model == "torchvision:resnet18"
    assert answer.other_model.table.total == 11_689_512
    assert sum(item.parameters for item in answer.other_model.differences.differences) == 11_689_512 - 138_357_544


def test_an_edit_that_makes_the_known_network_is_no_rival_of_it():
    found = gap("torchvision:resnet50", "44,549,160")
    assert found.stands_out
    assert found.solutions[0].total == found.known.matches[0].total == 44_549_160


def test_a_number_of_few_digits_names_no_network():
    found = gap("torchvision:vgg16", "26M")
    assert found.known.matches
    assert not found.known.stands_out


def test_nothing_is_looked_up_where_the_network_has_the_number():
    assert gap("torchvision:resnet18", "11.7M").known is None


def test_where_nothing_gives_the_number_the_nearest_networks_are_named():
    found = gap("torchvision:vgg16", "11,689,513")
    assert found.solutions == ()
    assert not found.known.matches
    assert found.known.nearest[0].parameters == 11_689_512


def test_what_contradicts_the_stated_is_judged_among_all_sets_of_edits():
    free = gap("prodpoly", "11.2M", keep=("nothing",))
    bound = gap("prodpoly", "11.2M", keep=("blocks",))
    chances = {(solution.edits, solution.convention): solution.chance for solution in free.solutions}
    excluded = [(solution.edits, solution.convention) for solution in bound.excluded]
    assert any(key in chances for key in excluded)
    assert all(chances[key] == s.chance for key, s in zip(excluded, bound.excluded, strict=True) if key in chances)


def test_another_rounding_is_not_spoken_of_where_the_network_has_the_number():
    found = gap("torchvision:resnet18", "11.7M")
    assert len(gap_verdict("torchvision:resnet18", found)) == 1
