# ruff: noqa: E501
"""The table of hostile kinds. A new kind is one row of `ROWS`; `fuzz.py --list` counts the inputs of each.

A row says how its inputs are put together, in which file they lie (none: the input is a text), and which command or
function gets them, "{}" being the file's name or the text. `refused` says that nothing else than a refusal is right:
exit code 2 or 3, a DiagnoseError of a function.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from attacks import (
    BOMBS,
    CALLS,
    DIGITS,
    ENCODED,
    EVIL,
    FETCHES,
    FILES,
    JSON_BOMBS,
    MARKUP,
    NAMES,
    OPTIONS,
    RECIPES,
    SCOPES,
    STEERING,
    STRANGE,
    TYPED,
    WRONG,
    CannotMake,
    altered,
    altered_journals,
    archive_of_torch,
    array_files,
    both,
    case_text,
    dangling,
    device,
    dotted,
    drain,
    each,
    endless,
    flipped,
    folder,
    good_checkpoint,
    good_safetensors,
    headers,
    hostile_words,
    image_tars,
    image_zips,
    journals,
    listening,
    loop,
    mutated,
    pickled,
    pipe,
    sink,
    some,
    some_bombs,
    strange_trees,
    toml,
    torch_bombs,
    trials_text,
    watch_logs,
    worded,
    wrong_tops,
    wrong_values,
)  # fmt: skip

__all__ = ["CONTROLS", "ROWS", "CannotMake", "Row", "furnish", "load", "prepare", "unsafe", "words_of"]


@dataclass(frozen=True)
class Row:
    """A kind of hostile input."""

    name: str
    contents: Callable
    command: str | Callable
    file: str = ""
    refused: bool = False
    writes: bool = False
    """It names a place to write to that is no file: run only where `unsafe` finds nothing."""

    @property
    def reaches(self):
        """Say whether some of its inputs must get as far as a report: were all refused at the door, nothing was tried."""
        return isinstance(self.command, str) and self.command.startswith("report {} -o") and not self.refused


def _cases(texts, *, kinds=("parameter count",)):
    """Return what yields a case for each MODEL text."""
    return lambda draw: [case_text(model=text, kinds=kinds) for text in texts(draw) if "\ud800" not in text]


def _recipes(texts):
    """Return what yields a case that compares each recipe, and names it in claims about accuracies."""

    def drawn(draw):
        for text in texts:
            changes = [
                ("recipe", "b", text),
                ("accuracy", "recipe", text),
                ("cause", "recipe", text),
                ("cause", "against", "paper"),
            ]
            yield case_text(kinds=["recipe", "accuracy", "cause"], changes=changes)

    return drawn


def _with_trials(names):
    """Return what yields a case for each name of a file of trials."""
    return lambda draw: [case_text(kinds=["accuracy"], top=[f"trials = {toml(name)}"]) for name in names]


def _fields(draw):
    """Yield recipes in TOML in which one field is wrong."""
    from diagnose.recipes.fields import FIELDS

    for name in (*FIELDS, "title", "source", "sources", "unknown"):
        for value in draw.sample(WRONG, 5):
            yield f"{name} = {toml(value)}\n"


# ------------------------------------------------------------------------------------ functions that parse


def parse_model(text):
    from diagnose.networks import parse

    parse(text)


def parse_inputs(text):
    from diagnose.networks.inputs import parse_inputs

    parse_inputs([text])
    parse_inputs([text, f"a={text}", "1x3"])


def parse_reported(text):
    from diagnose.params.reported import other_precisions, parse_reported

    other_precisions(parse_reported(text))


def parse_figure(text):
    from diagnose.flops.reported.search_operations import parse_reported_work

    parse_reported_work(text)


def parse_kept(text):
    from diagnose.networks import parse
    from diagnose.params.gap.known_facts import known_facts

    known_facts(parse("torch"), [text])


def parse_case(text):
    from diagnose.case.case import parse

    parse(text, "x", "x.toml")


def parse_recipe(text):
    from diagnose.recipes.toml import parse

    parse(text, "x", "x.toml")


def parse_report(text):
    from diagnose.render import render
    from diagnose.render.as_json import parse

    report = parse(text)
    for form in ("json", "markdown", "html", "terminal"):
        render(report, form, width=80, color=False)


def read_trials(path):
    from diagnose.case.trials.stored_trials import as_stored, digest, kept_in

    digest(Path(path))
    as_stored(kept_in(Path(path)).runs)


def read_journals(path):
    from diagnose.case.trials.stored_trials import as_stored, digest, journals_in

    digest(Path(path))
    as_stored(journals_in(Path(path)).runs)


def read_checkpoint(path):
    from diagnose.diff.weights.checkpoint import read

    read(Path(path))


def read_images(path):
    from diagnose.probe.data.load_images import load_images

    load_images(path)


WORDS = {}
"""What else may be put into a command, by its name in braces."""


def report_text():
    """Return a real report as JSON."""
    return (Path(WORDS["report"])).read_text("utf-8")


# ------------------------------------------------------------------------------------------------ the table

WEIGHTS = "torchvision:ResNet18_Weights.IMAGENET1K_V1"
CASE, PAGES = "report {} -o out --runs journals", "case.toml"
TRAILING = ("-o", "victim.md")
DIFF = "diff {tiny} {tiny} --input 2x3 --weights-a {} --weights-b {good}.pth"

ROWS = (
    # MODEL texts
    Row("a MODEL: the grammar", each(*CALLS), parse_model, refused=False),
    Row("a MODEL: words and options", each(*NAMES), parse_model),
    Row("a MODEL: altered", some(250, mutated("prodpoly(blocks=[2, 2, 1, 1], stem='cifar', second_order=True)")), parse_model),
    Row("a MODEL: altered files", some(60, mutated("path/to/(a) file.py:Net.make(depth=20, wide={'a': (1, -2.5)})")), parse_model),
    Row("params: the grammar", lambda draw: [text for text in draw.sample(CALLS, 20) if "\0" not in text], "params {}", refused=True),
    Row("params: words", lambda draw: draw.sample(TYPED, 14), "params -- {}", refused=True),
    Row("params: values of wrong kinds", lambda draw: draw.sample(SCOPES[-18:], 9), "params -- {}"),
    Row("flops: words", lambda draw: draw.sample(TYPED, 5), "flops -- {}", refused=True),
    Row("diff: words", lambda draw: draw.sample(TYPED, 5), "diff -- {} torch", refused=True),
    Row("probe: words", lambda draw: draw.sample(TYPED, 5), "probe --data absent.npz --runs out -- {}", refused=True),
    Row("models: words", lambda draw: draw.sample(TYPED, 10), "models -- {}"),
    # numbers and inputs
    Row("--input", each(*NAMES, *DIGITS, *(f"1x{digits}" for digits in DIGITS), "1x3:evil", "a.b.c" * 60 + "=1x3", "class=1", "x=" * 99 + "1", "1x" * 5_000 + "1", "__class__=1x3", "a.__init__=1x3", "0=1x3"), parse_inputs),
    Row("--input, altered", some(60, mutated("batch.mask.0=1x3x32x32:int64")), parse_inputs),
    Row("--input of a network", each("999999999x999999999x999999999:int8", "a=1x3", "1x1", "x.0=1x3x32x32", "1x3x32x32:bool", "999999999x3x32x32"), "params torch --input {}"),
    Row("--reported", each(*NAMES, *DIGITS, "1e99", "9.9e99T", "1,000,00", "." * 5_000, "1" * 5_000 + "M", "0.0000001k", "6.0 M\n", "٦M"), parse_reported),
    Row("--reported, altered", some(60, mutated("6,012,234.50e6 million")), parse_reported),
    Row("--reported of a network", each("-1", "1e99", "9" * 400, "0", "nan"), "params torch --reported={}"),
    Row("--reported, a figure of work", each(*NAMES, *DIGITS, "1e99", "0.56 GMACs", "1" * 5_000 + "G"), parse_figure),
    Row("--reported of operations", each(*DIGITS[:4], "1e99", "x", "0.0000000001G", "\x1b[31m"), "flops torch --reported={}"),
    Row("--keep", each(*NAMES, "blocks," * 9_000, ",,,", "nothing,nothing"), parse_kept),
    Row("--also", each("=", "torch", "torch=", "=6M", "torch=x", "-o=1", "a=b=c", "absent.py:net=6M", "torch=" + "9" * 400), "params torch --reported 6M --also={}"),
    Row("--budget", each(*DIGITS[:6], "", "9" * 400 + "h", "1e5h", "-1s", "1d", "0s", "20 m", "none ", "\x1b[31m"), "probe absent.py:net --data absent.npz --budget={}", refused=True),
    Row("--horizons", each(*DIGITS[:6], "", ",", "5,", "5,,6", "1," * 9_000 + "1", "٣", "²", "-1"), "probe absent.py:net --data absent.npz --horizons={}", refused=True),
    Row("--seeds", each("-1", "0", "x", "9" * 400, "1e3", ""), "probe absent.py:net --data absent.npz --seeds={}", refused=True),
    Row("--epochs", each("-1", "x", "9" * 400, "", "nan"), "probe absent.py:net --data absent.npz --epochs={}", refused=True),
    Row("--images, --width", each("--images=-1", "--width=0", "--images=" + "9" * 30, "--width=-" + "9" * 30, "--workers=-1", "--threads=0", "--micro-batch=-5", "--device=x", "--device=cuda:99", "--precision=fp3", "--engine=", "--ablate=x," * 500), "probe absent.py:net --data absent.npz {}", refused=True),
    Row("--seed", each("-1", "9" * 400, "9" * 20, "x"), "params torch --seed={}"),
    # cases that run no code, fetch nothing, wait for nothing
    Row("a case: dotted types", _cases(dotted("mm")), CASE, PAGES),
    Row("a case: dotted types in other hosts", lambda draw: draw.sample(_cases(dotted("mmpretrain:resnet18_8xb16_cifar10", "mmpretrain:vit-base-p16_32xb128-mae_in1k"))(draw), 20), CASE, PAGES),
    Row("a case: dotted types in claims of all kinds", lambda draw: draw.sample(_cases(dotted("mm"), kinds=None)(draw), 5), CASE, PAGES),
    Row("a case: scopes and values of wrong kinds", _cases(each(*SCOPES)), CASE, PAGES),
    Row("a case: files to run", _cases(each(*FILES)), CASE, PAGES),
    Row("a case: files to run, claims of all kinds", _cases(each(*FILES), kinds=None), CASE, PAGES),
    Row("a case: weights to fetch", _cases(each(*FETCHES)), CASE, PAGES),
    Row("a case: weights to fetch, claims of some kinds", _cases(lambda draw: draw.sample(FETCHES, 12), kinds=("norm", "accuracy", "operations")), CASE, PAGES),
    Row("a case: recipes to run", _recipes(RECIPES), CASE, PAGES),
    Row("a case with --probe: MODEL texts like options", _cases(each(*OPTIONS[:4], "-", "--", "-oevil.md", *FILES[:6], "torch"), kinds=("accuracy",)), "report {} --probe --data synthetic:100 -o out --runs outruns", PAGES),
    Row("a case with --probe: recipes like options", _recipes(("-o", "--download", "evil.py", "./evil.py")), "report {} --probe --data synthetic:100 -o out --runs outruns", PAGES),
    Row("a case: --probe's own options", each("--output=victim.md", "-o", "--download", "absent.npz", "synthetic", ""), "report case.toml --probe -o out --runs outruns --data={}"),
    Row("a case: --download, but no --trust", _cases(each(*FILES[:12], "timm:hf-hub:evil/evil")), "report {} -o out --runs journals --download", PAGES),
    # a case as a file
    Row("a case: a value of a wrong type", wrong_values, CASE, PAGES),
    Row("a case: a wrong head", wrong_tops, CASE, PAGES),
    Row("a case: hostile words", hostile_words, CASE, PAGES),
    Row("a case: bombs", each(*BOMBS), parse_case, refused=True),
    Row("a case: bombs in a file", both(some_bombs(8), each(*ENCODED)), CASE, PAGES, refused=True),
    Row("a case: altered", lambda draw: [mutated(case_text())(draw) for _ in range(130)], parse_case),
    Row("a case: altered bytes", lambda draw: [case_text().encode(), *(flipped(case_text().encode())(draw) for _ in range(50))], CASE, PAGES),
    Row("a case: strange files", each(*STRANGE), CASE, PAGES, refused=True),
    Row("a case: names", each(*TYPED[:20], "x\0.toml", "a" * 300 + ".toml", "pinets-table5.toml ", "../absent.toml", "pipe.toml", "folder.toml"), "report -o out --runs journals -- {}", refused=True),
    # trials and journals
    Row("trials: names", _with_trials(("../evil.json", "/etc/passwd", "a/b.json", "pipe.json", "zero.json", "loop.json", "folder.json", "evil.json", "absent.json", ".json", "x\0.json", "..json", "a" * 300 + ".json")), CASE, PAGES),
    Row("trials: altered", some(50, altered(trials_text)), read_trials, "x.json"),
    Row("trials: altered bytes", some(30, flipped(lambda: trials_text().encode())), read_trials, "x.json"),
    Row("trials: bombs", each(*JSON_BOMBS, b"\xff\xfe", "x" * 21_000_000), read_trials, "x.json", refused=True),
    Row("trials: strange files", each(*STRANGE), read_trials, "x.json", refused=True),
    Row("journals", journals, read_journals, "runs"),
    Row("journals: altered", altered_journals(40), read_journals, "runs"),
    Row("journals of a report", lambda draw: draw.sample(list(journals(draw)), 8), "report case.toml -o out --runs {}", "runs"),
    Row("journals to keep", lambda draw: draw.sample(list(journals(draw)), 4), "report case.toml -o out --runs {} --keep-trials out.json", "runs"),
    # recipes
    Row("a recipe: a value of a wrong type", _fields, parse_recipe),
    Row("a recipe: bombs", each(*BOMBS), parse_recipe),
    Row("a recipe: bombs in a file", both(some_bombs(6), each(*ENCODED)), "recipe {} paper", "x.toml"),
    Row("a recipe: strange files", each(*STRANGE), "recipe {} paper", "x.toml", refused=True),
    Row("a recipe: hostile words", lambda draw: [f"title = {toml(word)}\nsource = {toml(word)}\noptimizer = {toml(word)}" for word in (*STEERING, *MARKUP)], "recipe {} paper", "x.toml"),
    Row("a recipe: names", lambda draw: [name for name in RECIPES if not name.startswith("-") and not name.strip().lower().endswith(".py") and "evil" not in name and "inherits" not in name], "recipe paper -- {}"),
    Row("a recipe: words", lambda draw: draw.sample(TYPED, 20), "recipe paper -- {}", refused=True),
    # a report drawn again
    Row("--from: altered", lambda draw: [altered(report_text)(draw) for _ in range(130)], parse_report),
    Row("--from: altered bytes", lambda draw: [flipped(report_text().encode())(draw) for _ in range(40)], "report --from {} -o out.md", "x.json"),
    Row("--from: altered, as a page", lambda draw: [altered(report_text)(draw) for _ in range(15)], "report --from {} -o out.html", "x.json"),
    Row("--from: altered, on a terminal", lambda draw: [altered(report_text)(draw) for _ in range(15)], "report --from {}", "x.json"),
    Row("--from: hostile words in Markdown", some(10, worded(report_text)), "report --from {} -o out.md", "x.json"),
    Row("--from: hostile words in a page", some(10, worded(report_text)), "report --from {} -o out.html", "x.json"),
    Row("--from: hostile words in JSON", some(10, worded(report_text)), "report --from {} -o out.json", "x.json"),
    Row("--from: hostile words on a terminal", some(10, worded(report_text)), "report --from {}", "x.json"),
    Row("--from: bombs", each(*JSON_BOMBS, *ENCODED), "report --from {} -o out.html", "x.json", refused=True),
    Row("--from: strange files", each(*STRANGE), "report --from {} -o out.html", "x.json", refused=True),
    # checkpoints
    Row("a checkpoint: code in a pickle", each(pickled(), archive_of_torch(), b"cos\nsystem\n(S'touch ran_pickle'\ntR."), read_checkpoint, "x.pth"),
    Row("a checkpoint: bombs", torch_bombs, read_checkpoint, "x.pth"),
    Row("a checkpoint: altered bytes", some(40, flipped(good_checkpoint)), read_checkpoint, "x.pth"),
    Row("a checkpoint: headers that lie", headers, read_checkpoint, "x.safetensors"),
    Row("a checkpoint: altered safetensors", some(40, flipped(good_safetensors)), read_checkpoint, "x.safetensors"),
    Row("a checkpoint: strange files", each(*STRANGE), read_checkpoint, "x.pth", refused=True),
    Row("a checkpoint: strange safetensors", each(*STRANGE), read_checkpoint, "x.safetensors", refused=True),
    Row("diff with a checkpoint", lambda draw: [pickled(), *draw.sample(list(torch_bombs(draw)), 4), pipe, flipped(good_checkpoint)(draw)], DIFF, "x.pth"),
    # images
    Row("images: arrays", array_files, read_images, "x.npz"),
    Row("images: zips", image_zips, read_images, "x.zip"),
    Row("images: tars", image_tars, read_images, "x.tar"),
    Row("images: trees", strange_trees, read_images, "tree"),
    Row("images: altered zips", lambda draw: [flipped(content)(draw) for content in list(image_zips(draw))[:6] if len(content) < 1 << 20 for _ in range(3)], read_images, "x.zip"),
    Row("images: altered tars", lambda draw: [flipped(next(iter(image_tars(draw))))(draw) for _ in range(12)], read_images, "x.tar"),
    Row("images: strange zips", each(*STRANGE), read_images, "x.zip", refused=True),
    Row("images: strange arrays", each(*STRANGE), read_images, "x.npz", refused=True),
    Row("images: strange CIFAR-10", each(*STRANGE), lambda path: read_images(f"cifar10:{path}"), "x", refused=True),
    Row("images: names", each(*NAMES, "synthetic:" + "9" * 400, "synthetic:-1", "cifar10:\0", "cifar10:" + "a" * 5_000), read_images, refused=True),
    Row("probe with images", lambda draw: [pipe, *draw.sample(list(array_files(draw)), 2)], "probe {tiny} --data {} --budget 1s --runs out --seeds 2 --epochs 1", "x.npz", refused=True),
    # scripts and pipelines
    Row("watch --read: strange files", each(*STRANGE), "watch --read {}", "logs", refused=True),
    Row("watch --read: logs", watch_logs, "watch --read {}", "logs"),
    Row("watch: words", lambda draw: draw.sample(TYPED, 6), "watch --batches {} -- absent.py", refused=True),
    Row("pipeline: words", lambda draw: draw.sample(TYPED, 6), "pipeline -- {}", refused=True),
    Row("pipeline: strange folders", each(*STRANGE), f"pipeline {WEIGHTS} --images {{}}", "images", refused=True),
    Row("pipeline: images of a tree", lambda draw: list(strange_trees(draw))[:4], f"pipeline {WEIGHTS} --images {{}}/train/a", "tree"),
    # known networks and other figures
    Row("models --params", each(*DIGITS[:5], "x", "1e99", "\x1b[31m"), "models --params={}"),
    Row("--reported-part, --reported-size", each("--reported-part==6M", "--reported-part=x=", "--reported-part=" + "9" * 400, "--reported-size=1e99MB", "--reported-size=x", "--flops=\x1b[31m", "--flops=" + "9" * 400), "params torch --reported 11.2M {}"),
    # places to write to
    Row("-o: no file", each("folder.toml", ".", "..", "absent/out.md", "", "/"), "report --from {report} --format markdown -o={}", refused=True),
    Row("-o: devices and pipes", each(sink, drain), "report --from {report} -o {} --format markdown", "x.md", writes=True),
    Row("-o: what is no file", each(folder, loop, listening), "report --from {report} -o {}", "x.md", refused=True, writes=True),
    Row("-o: a file in place of a folder", each("mine", loop), "report case.toml --runs journals -o {}", "x", refused=True),
    Row("--init: what is there", each(pipe, sink, device, folder, loop, dangling, "mine"), "report --init {}", "x.toml", refused=True),
    Row("--keep-trials: devices and pipes", each(sink, drain), "report case.toml -o out --runs journals --keep-trials {}", "x.json", writes=True),
    Row("--keep-trials: what is no file", each(folder, loop), "report case.toml -o out --runs journals --keep-trials {}", "x.json", refused=True, writes=True),
    Row("--save-mapping: what is no file", each(folder, loop), "diff {tiny} {tiny} --input 2x3 --save-mapping {}", "x.json", refused=True, writes=True),
    Row("--save-mapping: a device", each(sink), "diff {tiny} {tiny} --input 2x3 --save-mapping {}", "x.json", writes=True),
    Row("--convert: what is no file", each(folder, loop), "diff {tiny} {tiny} --input 2x3 --convert {good}.pth {}", "x.pth", refused=True, writes=True),
)  # fmt: skip


# ------------------------------------------------------------------ what the guard must notice, to be believed


def _hang(text):
    while True:
        try:
            while True:
                pass
        except Exception:  # an engine that goes on whatever happens
            continue


CONTROLS = (
    Row("a process", each("os.system"), lambda text: os.system("true")),
    Row("a process of subprocess", each(""), lambda text: subprocess.run(["true"])),
    Row("a process, the error held back", each(""), lambda text: _held(lambda: os.posix_spawn("/bin/true", ["true"], {}))),
    Row("a connection", each(""), lambda text: socket.create_connection(("127.0.0.1", 9), timeout=1)),
    Row("a name looked up", each(""), lambda text: _held(lambda: socket.getaddrinfo("a.invalid", 80))),
    Row("foreign code", each(EVIL), lambda path: exec(compile(Path(path).read_text(), str(Path(path).resolve()), "exec")), "x.py"),
    Row("foreign code without a name", each(EVIL), lambda path: exec(compile(Path(path).read_text(), "", "exec")), "x.py"),
    Row("foreign code of a MODEL", each(EVIL), "params x.py:net", "x.py"),
    Row("a library", each("./evil.so"), lambda text: __import__("ctypes").CDLL(text)),
    Row("a pickle", each(pickled()), lambda path: __import__("pickle").loads(Path(path).read_bytes()), "x.pkl"),
    Row("a file left", each(""), lambda text: Path("ran").write_text("x")),
    Row("a file changed", each(""), lambda text: Path("victim.md").write_text("x")),
    Row("a file of the same size changed", each(""), lambda text: Path("victim.md").write_text("Keep me.\n".swapcase())),
    Row("a file removed", each(""), lambda text: Path("victim.md").unlink()),
    Row("a file far outside", each(""), lambda text: _held(lambda: Path("/dev/full").write_text("x"))),
    Row("a temporary file left", each(""), lambda text: __import__("tempfile").mkstemp()),
    Row("a loop without end", each(""), _hang),
    Row("a wait without end", each(pipe), lambda path: Path(path).read_text(), "x"),
    Row("much memory", each(""), lambda text: len(b"x" * (1536 << 20))),
    Row("an error of no kind", each(""), lambda text: [][1]),
    Row("an exit code of no kind", each(""), lambda text: sys.exit(7)),
    Row("what should be refused", each(""), lambda text: None, refused=True),
    Row("hidden characters", each("x"), lambda path: print("\x1b[31m"), "x"),
    Row("a probe with options", each(""), lambda text: subprocess.Popen([sys.executable, "-m", "diagnose", "probe", "-o", "victim.md"])),
    Row("the end of the process", each(""), lambda text: os._exit(9)),
)  # fmt: skip
"""Each of these must be noticed; a guard that lets one of them pass proves nothing."""


def _held(act):
    try:
        act()
    except Exception:
        time.sleep(0)


# ---------------------------------------------------------------------------------- what stands around them


def prepare(places):
    """Make what is our own: a tiny network, its checkpoint and a report."""
    own = places["own"]
    (own / "tiny.py").write_text("from torch import nn\n\ndef net():\n    return nn.Sequential(nn.Linear(3, 4))\n")
    (own / "good.pth").write_bytes(good_checkpoint())
    WORDS.update(tiny=f"{own}/tiny.py:net", good=str(own / "good"), report=str(own / "report.json"))
    _write_report(own / "report.json")


def load():
    """Load beforehand what the commands load, so that no input pays for it."""
    from diagnose.networks import build

    for text in ("torch", "mm", "timm:resnet18", "timm:vit_tiny_patch16_224"):
        build(text)
    for name in ("torch._dynamo", "torch.distributed", "diagnose.diff.run", "diagnose.probe.answer"):
        import_module(name)
    _judge_a_case(Path(WORDS["report"]).with_name("case.toml"))


def _judge_a_case(path):
    from diagnose.case.cache import NoCache
    from diagnose.case.case import load
    from diagnose.case.run import judge_case

    path.write_text(case_text(model="torch", kinds=["recipe", "parameter count"]), "utf-8")
    judge_case(load(str(path)), NoCache())


def _write_report(path):
    from diagnose.recipes import compare, load_both
    from diagnose.recipes.report import diff_report
    from diagnose.render import as_json

    path.write_text(as_json.render(diff_report(compare(*load_both("paper", "reproduction")))), "utf-8")


def furnish(work):
    """Make the working folder of one input: a victim's files, foreign code, and what a name may lead to."""
    work.mkdir()
    (work / "victim.md").write_text("Keep me.\n")
    (work / "victims").mkdir()
    (work / "victims" / "keep.txt").write_text("Keep me, too.\n")
    (work / "case.toml").write_text(case_text(kinds=["recipe", "accuracy"]))
    for name in ("evil.py", "evil.PY", "evil.Py"):
        (work / name).write_text(EVIL)
    (work / "evilpackage").mkdir()
    for name in ("__init__.py", "inner.py"):
        (work / "evilpackage" / name).write_text(EVIL)
    (work / "inherits.py").write_text("_base_ = 'evil.py'\n")
    (work / "evil.json").write_text(
        '{"model": {"type": "os.system", "command": "touch ran_json"}, "custom_imports": {"imports": ["evil"]}}'
    )
    (work / "evil.yaml").write_text(
        "model: {type: os.system, command: touch ran_yaml}\nx: !!python/object/apply:os.system ['touch ran_yaml']\n"
    )
    for name in ("evil.pkl", "evil.pth", "evil.npy"):
        (work / name).write_bytes(pickled())
    (work / "evil.so").write_bytes(b"\x7fELF")
    (work / "evil.cpp").write_text("int main() { return 0; }\n")
    for name in ("folder.py", "folder.toml", "folder.json", "journals"):
        (work / name).mkdir()
    for name in ("pipe", "pipe.py", "pipe.toml", "pipe.json"):
        pipe(work / name)
    for name in ("zero", "zero.py", "zero.toml", "zero.json"):
        endless(work / name)
    for name in ("loop.py", "loop.toml", "loop.json"):
        loop(work / name)


def unsafe(places):
    """Say why today's code must not be given a device to write to; an empty text where it refuses it."""
    from diagnose.files import replacing

    node = places["temporary"] / "node"
    try:
        sink(node)
    except CannotMake:
        pipe(node)
    before = node.lstat().st_mode
    try:
        if not node.is_fifo():
            with replacing(node) as file:
                file.write(b"x")
    except Exception:  # refused, as it should be
        pass
    changed = node.lstat().st_mode != before
    node.unlink()
    shutil.rmtree(places["temporary"])
    places["temporary"].mkdir()
    return "not run: diagnose.files.replacing puts a file in the place of a device" if changed else ""


def words_of(row, subject):
    """Return the arguments of a row's command for one subject, None where it is a function."""
    if not isinstance(row.command, str):
        return None
    arguments = []
    for word in row.command.split():
        for name, value in WORDS.items():
            word = word.replace(f"{{{name}}}", value)
        arguments.append(word.replace("{}", subject))
    return arguments
