"""`diagnose report` on a stranger's case file, in the folder where the stranger's files stand."""

CASE = """
title = "t"
summary = "s"
[models]
shell = "mm(neck={'_delete_': True, 'type': 'os.system', 'command': 'touch ran'})"
file = "stranger.py:Net"
known = "torch"
[[claim]]
kind = "parameter count"
says = "a shell"
model = "shell"
number = "11.2M"
[[claim]]
kind = "parameter count"
says = "a file"
model = "file"
number = "11.2M"
[[claim]]
kind = "recipe"
says = "a recipe"
a = "paper"
b = "mmpretrain:stranger.py(x=1)"
belief = "same"
[[claim]]
kind = "parameter count"
says = "a network of torchvision's"
model = "known"
number = "11.2M"
"""


def test_it_runs_no_code_and_writes_the_page_alone(tmp_path, script, monkeypatch):
    (tmp_path / "case.toml").write_text(CASE)
    (tmp_path / "stranger.py").write_text("open('ran', 'w').close()\nmodel = dict(type='ImageClassifier')\n")
    monkeypatch.chdir(tmp_path)
    places = {"XDG_CACHE_HOME": tmp_path / "cache", "PYTHONPATH": tmp_path}
    run = script("report", "case.toml", "-o", "page.md", "--fresh", **places)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.toml", "page.md", "stranger.py"]
    page = (tmp_path / "page.md").read_text()
    assert page.count("which runs with --trust. |") == 3
    assert "✓ supported" in page
