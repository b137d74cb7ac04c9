"""A run over a case: failures, consent, interruption, and what a second run keeps."""

from pathlib import Path

import pytest

from diagnose.case import cache, run
from diagnose.case.cache import FileCache, NoCache, key_of
from diagnose.case.case import parse
from diagnose.case.permission import code_of, fetches
from diagnose.case.report import case_report
from diagnose.render import FORMATS, as_json, render
from diagnose.values import Ruling

COUNT = '[[claim]]\nid = "{0}"\nkind = "parameter count"\nsays = "{0}"\nmodel = "{0}"\nnumber = "302,850"\n'


def case_of(models, claims):
    lines = "\n".join(f"{name} = {text!r}" for name, text in models.items())
    return parse(f'title = "t"\nsummary = "s"\n[models]\n{lines}\n{claims}', "case", "case.toml")


def trusted(case):
    from dataclasses import replace

    return replace(case, trusted=True)


@pytest.fixture
def store(tmp_path):
    return FileCache(tmp_path / "kept", write=as_json.render, read=as_json.parse)


@pytest.fixture
def three(toys):
    models = {"good": f"{toys}:stack", "bad": f"{toys}:broken", "other": f"{toys}:stack(depth=6)"}
    return trusted(case_of(models, "".join(map(COUNT.format, models))))


def test_a_claim_that_fails_leaves_the_others_their_verdict(three):
    judged, interrupted = run.judge_case(three, NoCache())
    assert [judgement.ruling for judgement in judged] == [Ruling.SUPPORTED, Ruling.UNDETERMINED, Ruling.REFUTED]
    assert "the plug is not in" in judged[1].answer
    assert not interrupted


def test_code_of_somebody_elses_runs_only_when_trusted(toys):
    marker = toys.parent / "ran"
    toys.write_text(toys.read_text() + f"\nimport pathlib\npathlib.Path({str(marker)!r}).touch()\n")
    case = case_of({"theirs": f"{toys}:stack", "known": "torch"}, COUNT.format("theirs") + COUNT.format("known"))
    judged, _ = run.judge_case(case, NoCache())
    assert not marker.exists()
    assert [judgement.ruling for judgement in judged] == [Ruling.UNDETERMINED, Ruling.REFUTED]
    assert "--trust" in judged[0].answer
    assert "What was run" not in [section.title for section in case_report(case, judged).sections]

    judged, _ = run.judge_case(trusted(case), NoCache())
    assert marker.exists()
    assert judged[0].ruling is Ruling.SUPPORTED
    report = case_report(trusted(case), judged)
    assert report.sections[-1].title == "What was run"
    assert report.sections[-1].items[1].rows == ((f"{toys}:stack",),)


def test_recipes_and_configs_that_are_code_count_as_code():
    claims = (
        '[[claim]]\nkind = "recipe"\nsays = "a"\na = "mine.py"\nb = "mmpretrain:theirs.py"\nbelief = "same"\n'
        + COUNT.format("config")
        + COUNT.format("hub")
        + COUNT.format("module")
    )
    models = {"config": "mmpretrain:mine.py", "hub": "mmpretrain:resnet18_8xb16_cifar10", "module": "my.package:Net"}
    case = case_of(models, claims)
    found = [code_of(case, claim) for claim in case.claims]
    assert found == [("mine.py", "mmpretrain:theirs.py"), ("mmpretrain:mine.py",), (), ("my.package:Net",)]


def test_a_recipe_that_cannot_be_read_leaves_the_others_their_verdict():
    recipe = '[[claim]]\nkind = "recipe"\nsays = "a"\na = "no: such recipe"\nb = "paper"\nbelief = "same"\n'
    judged, _ = run.judge_case(case_of({"known": "torch"}, recipe + COUNT.format("known")), NoCache())
    assert [judgement.ruling for judgement in judged] == [Ruling.UNDETERMINED, Ruling.REFUTED]
    assert "There is no recipe" in judged[0].answer


def test_weights_are_fetched_only_when_that_is_said():
    case = case_of(
        {"a": "timm:resnet18(pretrained=True)", "b": "timm:resnet18(pretrained=False)"},
        COUNT.format("a") + COUNT.format("b"),
    )
    assert [fetches(case, claim) for claim in case.claims] == [("timm:resnet18(pretrained=True)",), ()]
    judged, _ = run.judge_case(case, NoCache())
    assert "--download" in judged[0].answer
    assert judged[0].ruling is Ruling.UNDETERMINED


def test_a_second_run_measures_nothing_again(three, store, monkeypatch):
    first, _ = run.judge_case(three, store)
    measured = []

    def refuse(claim, measurements):
        measured.append(claim.id)
        raise RuntimeError("measured again")

    monkeypatch.setattr(run, "judge_claim", refuse)
    second, _ = run.judge_case(three, store)
    assert measured == ["bad"]  # a failure is not kept
    for before, after in zip(first, second, strict=True):
        if before.claim.id != "bad":
            assert (after.ruling, after.answer, after.evidence) == (before.ruling, before.answer, before.evidence)
            assert after.reused


def test_what_a_judgement_depends_on_changes_its_key(three, toys, monkeypatch):
    claim = three.claims[0]
    key = key_of(three, claim)
    assert key_of(three, claim) == key
    assert key_of(three, three.claims[2]) != key
    with monkeypatch.context() as patch:
        patch.setattr(cache, "code_digest", lambda: "another version")
        assert key_of(three, claim) != key
    with monkeypatch.context() as patch:
        patch.setattr(cache, "environment", lambda libraries: {"torch": "3.0"})
        assert key_of(three, claim) != key
    toys.write_text(toys.read_text() + "\nimport beside\n")
    changed = key_of(three, claim)
    assert changed != key
    (toys.parent / "beside.py").write_text("# imported\n")
    assert key_of(three, claim) not in (key, changed)


@pytest.mark.parametrize("content", ["", "{}", "null", '{"schema": "diagnose.claim/1"}', "\x00"])
def test_a_broken_entry_is_measured_anew(three, store, tmp_path, content):
    run.judge_case(three, store)
    for file in (tmp_path / "kept").iterdir():
        file.write_text(content)
    judged, _ = run.judge_case(three, store)
    assert [judgement.reused for judgement in judged] == [False] * 3
    assert judged[0].ruling is Ruling.SUPPORTED


def test_a_folder_that_cannot_be_written_only_keeps_nothing(three, tmp_path):
    (tmp_path / "file").write_text("")
    store = FileCache(tmp_path / "file" / "below", write=as_json.render, read=as_json.parse)
    judged, _ = run.judge_case(three, store)
    assert judged[0].ruling is Ruling.SUPPORTED


def test_an_interrupt_keeps_what_is_done(three, store, monkeypatch):
    judge = run.judge_claim

    def interrupted(claim, measurements):
        if claim.id == "other":
            raise KeyboardInterrupt
        return judge(claim, measurements)

    monkeypatch.setattr(run, "judge_claim", interrupted)
    judged, stopped = run.judge_case(three, store)
    assert stopped
    assert judged[0].ruling is Ruling.SUPPORTED
    assert (judged[2].ruling, judged[2].answer) == (Ruling.UNDETERMINED, run.INTERRUPTED)
    monkeypatch.setattr(run, "judge_claim", judge)
    again, stopped = run.judge_case(three, store)
    assert (again[0].reused, again[2].ruling, stopped) == (True, Ruling.REFUTED, False)


HOSTILE = ("<script>alert(1)</script>", "[bold]red[/]", "a|b", "\u202egnp.exe", "\x1b[31m", "@someone #1")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_a_case_come_out_inert(text, toys):
    spelled = "".join(f"\\U{ord(char):08x}" for char in text)
    header = f'title = "{spelled}"\nsummary = "{spelled}"\n[models]\na = "torch"\n[[claim]]\n'
    claim = f'says = "{spelled}"\nsource = "{spelled}"\nkind = "parameter count"\nmodel = "a"\nnumber = "1M"\n'
    content = header + claim
    case = parse(content, "hostile", "hostile.toml")
    judged, _ = run.judge_case(case, NoCache())
    report = case_report(case, judged)
    assert as_json.parse(render(report, "json")) == report
    for form in FORMATS:
        drawn = render(report, form)
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn
    assert "<script" not in render(report, "html")


def test_files_are_those_of_the_claim(three, toys):
    assert cache.files_of(three, three.claims[0]) == (str(toys),)
    assert Path(cache.files_of(three, three.claims[0])[0]).is_file()
