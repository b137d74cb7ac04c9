"""What is said of a reported number, and how likely chance makes each answer."""

from diagnose.params.gap.report import gap_verdict
from diagnose.params.run import run


def gap(model, text, **options):
    return run(model, reported=text, **options).gap


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
