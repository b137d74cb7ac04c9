"""A case file of a stranger's, judged without --trust: no code, no connection and no file but the page."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from diagnose.case import permission
from diagnose.case.cache import NoCache
from diagnose.case.case import load, parse
from diagnose.case.run import judge_case
from diagnose.case.trials.requested_trials import requested_trials
from diagnose.values import Ruling

COUNT = '[[claim]]\nid = "{0}"\nkind = "parameter count"\nsays = "{0}"\nmodel = "{0}"\nnumber = "11.2M"\n'
RECIPE = '[[claim]]\nid = "{0}"\nkind = "recipe"\nsays = "s"\na = "paper"\nb = "{1}"\nbelief = "same"\n'
ACCURACY = (
    '[[claim]]\nid = "{0}-trained"\nkind = "accuracy"\nsays = "s"\nmodel = "{0}"\nrecipe = "reproduction"\n'
    'against = "authors-2022"\nreported = 93.0\nreproduced = 90.0\n'
)
MODELS = {
    "shell": "mm(neck={'_delete_': True, 'type': 'os.system', 'command': 'touch ran'})",
    "module": "mm(neck={'_delete_': True, 'type': 'stranger'})",
    "norm": "pinet_relu(second_order_norm='stranger')",
    "file": "stranger.py:Net",
    "config": "mmpretrain:stranger.py",
    "weights": "timm:resnet18(pretrained_cfg={'url': 'http://127.0.0.1:9/x'}, pretrained=1)",
}
RECIPES = ("stranger.py", "mmpretrain:stranger.py", "mmpretrain:stranger.py(x=1)", "./stranger.py")


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "stranger.py").write_text("open('ran', 'w').close()\nmodel = dict(type='ImageClassifier')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def text(models, *claims):
    lines = "\n".join(f'{name} = """{model}"""' for name, model in models.items())
    return f'title = "t"\nsummary = "s"\n[models]\n{lines}\n' + "".join(claims)


def whole_case():
    claims = [*map(COUNT.format, MODELS), *map(ACCURACY.format, MODELS)]
    return text(MODELS, *claims, *(RECIPE.format(f"r{i}", recipe) for i, recipe in enumerate(RECIPES)))


def test_every_claim_that_needs_consent_is_left_open(here):
    judged, _ = judge_case(parse(whole_case(), "case", "case.toml"), NoCache())
    assert {skipped.ruling for skipped in judged} == {Ruling.UNDETERMINED}
    for judgement in judged:
        if not judgement.claim.id.endswith("-trained"):
            needed = "--download" if judgement.claim.id == "weights" else "--trust"
            assert needed in judgement.answer, judgement.answer
    assert sorted(path.name for path in here.iterdir()) == ["stranger.py"]


def test_where_no_text_tells_the_guard_does(here, monkeypatch):
    monkeypatch.setattr(permission, "limited_to", lambda allowed: nullcontext())
    judged, _ = judge_case(parse(text(MODELS, COUNT.format("module")), "case", "case.toml"), NoCache())
    assert judged[0].ruling is Ruling.UNDETERMINED
    assert "it tried to" in judged[0].answer
    assert not (here / "ran").exists()


def test_no_network_that_needs_consent_is_trained(here):
    case = parse(whole_case(), "case", "case.toml")
    assert requested_trials(case) == ()
    own = parse(text({"known": "torch", **MODELS}, *map(ACCURACY.format, ("module", "known"))), "case", "case.toml")
    assert [judgement.models for judgement in requested_trials(own)] == [("torch",)]
    assert not (here / "ran").exists()


@pytest.mark.parametrize("name", ["pinets-table5", "resnet18-timm"])
def test_the_built_in_cases_need_no_trust(name):
    """A guard that refused what a judgement needs would be switched off by everybody."""
    source = load(name)
    claims = [claim for claim in source.claims if claim.kind in ("parameter count", "norm kind", "recipe", "flops")]
    judged, _ = judge_case(replace(source, trusted=False, trials="", claims=tuple(claims)), NoCache())
    assert claims
    for judgement in judged:
        assert "--trust" not in judgement.answer
        assert not judgement.skipped
