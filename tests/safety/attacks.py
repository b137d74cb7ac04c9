# ruff: noqa: E501, N818, PTH109
"""How hostile inputs are put together: functions from a random generator to texts, bytes, or makers of a path.

A maker is a function that is given the path and makes whatever shall stand there: a pipe, a device, a link, a folder.
"""

import io
import json
import os
import socket
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np

CALL = "__import__('sys').audit('safety.ran', 'evil')"
EVIL = f"import sys\n{CALL}\nopen('ran_evil', 'w').close()\nmodel = dict(type='ImageClassifier')\nnet = None\n"
"""Foreign code: it tells the guard that it ran, and leaves a file behind."""


class CannotMake(Exception):
    """This machine or this user cannot make the input, such as a device node."""


def each(*contents):
    """Return what yields these contents, whatever the random generator."""
    return lambda draw: list(contents)


def some(count, of):
    """Return what draws `count` contents by the function `of`."""
    return lambda draw: [of(draw) for _ in range(count)]


def both(*parts):
    """Return what yields the contents of several parts, one after the other."""
    return lambda draw: [content for part in parts for content in part(draw)]


# ------------------------------------------------------------------------------------------------- texts

DIGITS = (
    "9" * 400,
    "9" * 5_000,
    "1e999",
    "-1",
    "0",
    "0x" + "f" * 5_000,
    "1" + "_0" * 3_000,
    "nan",
    "inf",
    "٣",
    "½",
    "1e-999",
)
"""Numbers that no counting survives unprepared."""

STEERING = (
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;file:///etc/passwd\x07here\x1b]8;;\x07",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\x08\x08\x7f",
    "a\r\nb",
    "\x9b2J",
)
"""Texts that steer a terminal or turn what follows round."""

MARKUP = (
    "<script>alert(1)</script>",
    "![x](http://a.invalid/x.png)",
    "[link](javascript:alert(1))",
    "| a | b |",
    "[red]x[/red]",
    "[/]",
    "{{ 7*7 }}",
    "{% include '/etc/passwd' %}",
    "</title><img src=x onerror=alert(1)>",
    "`a`\n# b",
)
"""Texts that a page, a table or rich would take for more than text."""

OPTIONS = (
    "-o",
    "--output",
    "--download",
    "--trust",
    "-",
    "--",
    "--help",
    "-oevil.md",
    "--data=synthetic",
    "--runs",
    "@file",
    "-q",
)
"""Texts that look like options."""

NAMES = ("", " ", "\t\n", "\0", "torch\0", "\ud800", "\udcff\udc80", "é" * 3_000, "a" * 4_097, "a" * 4_000_000, "..", "../..", "/", "~", "$HOME", "%s%n", "con", ".", "a/b", "a:b:c", ":", "::", "file:///etc/passwd", "http://a.invalid/x", "|id", "$(id)", "`id`", "; id", *STEERING, *MARKUP, *OPTIONS)  # fmt: skip
"""Words that may stand where a name is asked for."""

TYPED = tuple(
    name
    for name in NAMES
    if "\0" not in name and "\ud800" not in name and not name.startswith("--") and name not in ("-o", "-q", "-oevil.md")
)
"""Those that a shell can hand over as one argument that is no option."""

CALLS = (
    "(", ")", "torch(", "torch)", "torch()()", "torch(1)", "torch(*[1])", "torch(**{})", "torch(x)", "torch(x=y)", "torch(x=1, x=2)", "torch(x=__import__('os').system('id'))", "torch(x=f'{1}')", "torch(x=lambda: 0)", "torch(x={[]: 1})", "torch(x={1, [2]})", "torch(x=1 if 1 else 2)", "torch(x='a' 'b'", "torch(x=[i for i in 'a'])", "torch(x=(yield))", "torch(x:=1)", "torch(x=...)", "torch(x=1_0_)", "torch(x='\\N{no such}')", "torch(x='\\xZZ')", "torch(x=b'\\x00')", "torch(\0)", "torch(#)", "torch(x=1)#", "torch(\n\n\nx=1", "torch(x=1;y=2)", "torch(x=1).y(z=2)", "a(b)(c=1)", "a(b/c.py:d(e=1)", "(((((((((x=1)", "torch(x=0777)",
    "torch(x=" + "(" * 90 + ")" * 90 + ")", "torch(x=" + "[" * 250 + "]" * 250 + ")", "torch(x=" + "[" * 2_000 + ")", "torch(x=" + "{1:" * 1_000 + "1" + "}" * 1_000 + ")", "torch(x=" + "-" * 3_900 + "1)", "torch(x=" + "~" * 3_900 + "1)", "torch(x=" + "not " * 900 + "1)", "torch(x=1" + "+1j" * 1_200 + ")", "torch(x='" + "a" * 4_000 + "')", "f(" * 1_300 + ")" * 1_300, "(" * 4_000 + ")", "torch" + "()" * 1_900, "torch(x=" + "a." * 1_900 + "a)", "torch(x=1**1**1**9999999)", "torch(x='a'*999999999)",
    *(f"torch(x={digits})" for digits in DIGITS),
    "a\u202eb(x=1)", "torch(\u2066x=1)", "ｔorch(ｘ=1)", "torch(x='\x1b[31m')", "torch\\\n(x=1)",
)  # fmt: skip
"""MODEL texts that attack the grammar; none of them is a model."""


def mutated(
    text,
    pieces=("(", ")", "=", ",", ":", "'", '"', "[", "{", "\\", "#", "\n", "\0", ".py", "\u202e", "9" * 30, "--", " "),
):
    """Return what changes a text in one to six places: a piece put in, a part dropped, doubled or turned round."""

    def of(draw):
        changed = text
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(changed) + 1)
            end = min(len(changed), at + draw.randint(1, 12))
            part = draw.choice(
                (draw.choice(pieces), "", changed[at:end] * 2, changed[at:end][::-1], chr(draw.randrange(1, 0xD7FF)))
            )
            changed = changed[:at] + part + changed[end if draw.random() < 0.5 else at :]
        return changed

    return of


def flipped(data, most=8):
    """Return what changes some bytes of a file, cuts it short or doubles a part."""

    def of(draw):
        changed = bytearray(data() if callable(data) else data)
        for _ in range(draw.randint(1, most)):
            at = draw.randrange(len(changed))
            way = draw.random()
            if way < 0.6:
                changed[at] = draw.randrange(256)
            elif way < 0.8:
                del changed[at : at + draw.randint(1, 30)]
            else:
                changed[at:at] = changed[max(0, at - 30) : at]
        return bytes(changed[: draw.randrange(1, len(changed))] if draw.random() < 0.15 else changed)

    return of


# ------------------------------------------------------------------------------------------- foreign code

DOTTED = {
    "os.system": {"command": "touch ran_os"},
    "subprocess.run": {"args": ["touch", "ran_subprocess"]},
    "subprocess.Popen": {"args": ["touch", "ran_popen"]},
    "builtins.exec": {"source": CALL},
    "builtins.eval": {"source": CALL},
    "builtins.open": {"file": "ran_open", "mode": "w"},
    "builtins.__import__": {"name": "evil"},
    "importlib.import_module": {"name": "evil"},
    "runpy.run_path": {"path_name": "evil.py"},
    "runpy.run_module": {"mod_name": "evil"},
    "torch.load": {"f": "evil.pth", "weights_only": False},
    "torch.hub.load": {"repo_or_dir": ".", "model": "net", "source": "local"},
    "torch.hub.load_state_dict_from_url": {"url": "http://a.invalid/x.pth"},
    "torch.utils.cpp_extension.load": {"name": "evil", "sources": ["evil.cpp"]},
    "shutil.rmtree": {"path": "victims"},
    "shutil.move": {"src": "victims", "dst": "ran_moved"},
    "pathlib.Path.unlink": {"self": "victim.md"},
    "os.remove": {"path": "victim.md"},
    "pty.spawn": {"argv": "true"},
    "webbrowser.open": {"url": "http://a.invalid/"},
    "urllib.request.urlopen": {"url": "http://a.invalid/"},
    "ctypes.CDLL": {"name": "./evil.so"},
    "pickle.loads": {"data": b"cos\nsystem\n(S'touch ran_pickle'\ntR."},
    "numpy.load": {"file": "evil.npy", "allow_pickle": True},
    "evil.net": {},
    "mmengine.Config.fromfile": {"filename": "evil.py"},
    "mmengine.fileio.load": {"file": "evil.pkl"},
}  # fmt: skip
"""Dotted names that mmengine's registry would import and call, with arguments that leave a trace."""

PLACES = (
    "neck={T}", "backbone={T}", "head={'loss': {T}}", "head={'loss': [{T}]}", "neck=[{T}]", "neck=({T},)", "data_preprocessor={T}", "train_cfg={'augments': [{T}]}", "backbone={'norm_cfg': {T}}", "backbone={'conv_cfg': {T}}", "backbone={'plugins': [{'cfg': {T}}]}", "init_cfg=[{T}]", "backbone={'init_cfg': {T}}", "neck={'type': 'Sequential', 'modules': ({'a': [({T},)]},)}",
)  # fmt: skip
"""Where in a config's overrides a dictionary with a `type` may stand; T is put in."""


def dotted(*hosts):
    """Return the MODEL texts that put each dotted name into some places of each host's overrides."""

    def drawn(draw):
        texts = []
        for host in hosts:
            for name, arguments in DOTTED.items():
                for place in draw.sample(PLACES, 3):
                    dropped = "'_delete_': True, " if draw.random() < 0.7 else ""
                    inner = ", ".join(f"{key!r}: {value!r}" for key, value in {"type": name, **arguments}.items())
                    texts.append(f"{host}({place.replace('{T}', '{' + dropped + inner + '}')})")
        return texts

    return drawn


FILES = (
    "evil.py:net", "./evil.py:net", "../here/evil.py:net", "evil:net", "evilpackage:net", "evilpackage.inner:net", "evil.py:a.b.c", "folder.py:net", "mmpretrain:evil.py", "mmpretrain: evil.py", "mmpretrain:./evil.py", "mmpretrain:evil.py()", "mmpretrain:evil.py(x=1)", "mmpretrain:evil.PY", "mmpretrain:folder.py", "mmpretrain:evil.py ", "mmpretrain:evil.json", "mmpretrain:evil.yaml", "mmpretrain:evil.toml", "mmpretrain:pipe.py", "mmpretrain:evil", "mmpretrain:http://a.invalid/x.py", "os:system(command='touch ran_os')", "runpy:run_path(path_name='evil.py')", "builtins:exec(source='1')", "torch.hub:load(repo_or_dir='.', model='net', source='local')", "antigravity:x", "this:x", "pipe.py:net", "MMPRETRAIN:evil.py", "mmpretrain:evil.py\n(x=1)",
)  # fmt: skip
"""MODEL texts that name files and modules to run."""

FETCHES = (
    "timm:resnet18(pretrained=True)", "timm:resnet18(pretrained=1)", "timm:resnet18.a1_in1k(pretrained='yes')", "timm:hf-hub:evil/evil", "timm:hf_hub:evil/evil", "timm:local-dir:.", "timm:resnet18(checkpoint_path='evil.pth')", "timm:resnet18(checkpoint_path='http://a.invalid/x.pth')", "timm:resnet18(pretrained_cfg={'url': 'http://a.invalid/x.pth'}, pretrained=True)", "timm:resnet18(pretrained_cfg='a1_in1k', pretrained=[0])", "timm:resnet18(pretrained_cfg_overlay={'file': 'evil.pth'}, pretrained=True)", "timm:resnet18(cache_dir='/tmp/x', pretrained=True)", "timm:resnet18(pretrained_cfg={'hf_hub_id': 'evil/evil'}, pretrained={'a': 1})", "timm:vit_tiny_patch16_224(pretrained=True)", "timm:resnet18(scriptable=True, exportable=True, pretrained=True)",
    "torchvision:resnet18(weights='DEFAULT')", "torchvision:resnet18(weights='IMAGENET1K_V1')", "torchvision:resnet18(pretrained=True)", "torchvision:fcn_resnet50(weights_backbone='DEFAULT')", "torchvision:fasterrcnn_resnet50_fpn(weights_backbone='IMAGENET1K_V1')", "torchvision:fasterrcnn_resnet50_fpn(pretrained_backbone=True)", "torchvision:quantized_resnet18(weights='DEFAULT', quantize=True)", "torchvision:deeplabv3_resnet50(weights='DEFAULT')",
    "mm(init_cfg={'type': 'Pretrained', 'checkpoint': 'evil.pth'})", "mm(backbone={'init_cfg': {'type': 'Pretrained', 'checkpoint': 'evil.pth'}})", "mm(backbone={'init_cfg': {'type': 'Pretrained', 'checkpoint': 'http://a.invalid/x.pth'}})", "mm(backbone={'init_cfg': [{'type': 'Pretrained', 'checkpoint': 'torchvision://resnet18'}]})", "mm(backbone={'init_cfg': {'type': 'Pretrained', 'checkpoint': 'open-mmlab://x'}})", "mm(head={'init_cfg': ({'type': 'PretrainedInit', 'checkpoint': 'modelzoo://x'},)})", "mm(pretrained='http://a.invalid/x.pth')", "mm(pretrained='evil.pth')", "mmpretrain:resnet18_8xb16_cifar10(pretrained=True)", "mmpretrain:resnet18_8xb16_cifar10(backbone={'pretrained': 'evil.pth'})", "mmpretrain:resnet18_8xb16_cifar10(backbone={'frozen_stages': 1, 'init_cfg': {'type': 'Pretrained', 'checkpoint': '/dev/zero'}})", "mm(neck={'url': 'http://a.invalid/x'})", "mm(backbone={'_delete_': True, 'type': 'TIMMBackbone', 'model_name': 'resnet18', 'pretrained': True})", "mm(backbone={'_delete_': True, 'type': 'TIMMBackbone', 'model_name': 'resnet18', 'checkpoint_path': 'evil.pth'})", "mm(_delete_=True, type='TimmClassifier', model_name='resnet18', pretrained=True)", "mm(type='TimmClassifier', model_name='hf-hub:evil/evil')", "mm(type='HuggingFaceClassifier', model_name='evil/evil', pretrained=True)", "mmpretrain:resnet18_8xb16_cifar10(device='cuda:99')", "mmpretrain:resnet18_8xb16_cifar10(url_mapping=('a', 'b'))", "mmpretrain:resnet18_8xb16_cifar10(offload_folder='ran_offload', device_map='auto')", "mmpretrain:blip-base_3rdparty_caption", "mmpretrain:clip-vit-base-p16_zeroshot-cls_in1k",
)  # fmt: skip
"""MODEL texts that ask for weights, or for a checkpoint to be read."""

SCOPES = (
    "mm(neck={'type': 'evil.GlobalAveragePooling'})", "mm(neck={'_scope_': 'evil', 'type': 'GlobalAveragePooling'})", "mm(neck={'_scope_': 'os', 'type': 'system', 'command': 'touch ran_os'})", "mm(_scope_='evil')", "mm(_scope_='evilpackage', neck={'type': 'evilpackage.GAP'})", "mm(neck={'type': 'mmdet.FPN'})", "mm(custom_imports={'imports': ['evil']})", "mm(backbone={'custom_imports': {'imports': ['evil'], 'allow_failed_imports': False}})", "mm(_base_='evil.py')", "mm(neck={'_base_': 'evil.py'})", "mm(neck={'type': '{{_base_.x}}'})", "mm(neck={'type': 'evil'})", "mm(neck={'type': ''})", "mm(neck={'type': None})", "mm(neck={'type': ['os.system']})", "mm(neck={'type': '.'})", "mm(neck={'type': 'os.'})", "mm(neck={'type': '..os'})", "mm(neck={1: 2})", "mm(data_preprocessor={'_delete_': True})", "mm(backbone='evil.py')", "mm(head={'__class__': 'x'})", "mm(neck={'_delete_': 'os.system'})",
    "prodpoly(second_order_norm='os.system')", "prodpoly(second_order_norm={'type': 'os.system'})", "prodpoly(second_order_norm={'type': 'builtins.exec', 'source': '1'})", "pinet_relu(second_order_norm='evil.net')", "mm(backbone={'type': 'PiNetCIFAR', '_delete_': True, 'depth': 18, 'second_order_norm': 'os.system'})", "mm(backbone={'norm_cfg': {'type': 'evil.net', 'requires_grad': True}})", "prodpoly(stem=['cifar'])", "prodpoly(stem={})", "prodpoly(depth=[])", "prodpoly(depth=10**9)", "torch(blocks=[9, 9, 9, 10**9])", "torch(num_classes=-1)", "torch(num_classes='x')", "torch(width=0)", "torch(depth={})", "torch(stem=[])", "prodpoly(base_channels=-8)", "prodpoly(second_order_kernel=10**6)", "prodpoly(blocks=[True, 1, 1, 1])", "mm(backbone={'depth': 'x'})", "mm(head={'num_classes': -5})", "mm(head={'topk': 'x'})", "mm(backbone=[])", "mm(head=None)", "mm(neck={'type': 'LinearNeck', 'in_channels': -1, 'out_channels': -1})",
)  # fmt: skip
"""MODEL texts whose overrides change where mmengine looks, or hold values of wrong kinds."""

RECIPES = (
    "mmpretrain:evil.py(x=1)", "mmpretrain:evil.py", "mmpretrain: evil.py", "mmpretrain:evil.py ", "mmpretrain:evil.py()", "mmpretrain:./evil.py", "mmpretrain:evil.PY", "evil.py", "./evil.py", "../here/evil.py", "evil.PY", "evil.Py", "evil.py\n", "evil.py ", "folder.py", "mmpretrain:folder.py", "folder.toml", "pipe.toml", "zero.toml", "./pipe.toml", "pipe", "zero", "zero.py", "pipe.py", "mmpretrain:pipe.py", "http://a.invalid/x.py", "https://a.invalid/x.toml", "mmpretrain:http://a.invalid/x.py", "mmpretrain:", "mmpretrain:evil", "mmpretrain:resnet18_8xb16_cifar10(backbone={'type': 'os.system'})", "mmpretrain:evil.json", "mmpretrain:evil.yaml", "evil.json", "evil.yaml", "evil.pkl", "mmpretrain:evil.pkl", "loop.toml", "loop.py", "absent.toml", "../absent.toml", "/absent/absent.toml", "victims", ".", "..", "/", "a" * 300 + ".toml", "a/" * 900 + "x.toml", "evil.py:net", "evil.py::$DATA", "mmpretrain:evil.py#x", "inherits.py", "mmpretrain:inherits.py", "user:evil.py", "paper ", "PAPER", "-o", "--show",
)  # fmt: skip
"""Names of recipes that would run a file, read without end, or are no names."""


# -------------------------------------------------------------------------------------------------- TOML

WRONG = (
    True,
    -1,
    0,
    10**30,
    1e308,
    float("nan"),
    float("-inf"),
    [],
    [[]],
    [[["x"]]],
    {},
    {"a": {"b": 1}},
    "",
    "   ",
    "x" * 5_000,
    "\x00",
    "\x1b[31m",
    "\u202e",
    ["", 1, None],
    ["a"] * 21,
    "../evil.json",
    "-o",
)
"""Values that hardly any key takes."""


def toml(value):
    """Return a value as TOML; JSON's strings are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return "nan" if value != value else "-inf" if value == float("-inf") else repr(value)
    if value is None:
        return '"None"'
    return json.dumps(value).replace("\x7f", "\\u007f")


def case_text(model="absent.py:net", kinds=None, changes=(), top=(), models=()):
    """Return a case with a claim of each kind about one model, which is code and so is never run.

    `changes` are (kind, key, value), `top` and `models` more lines of the file's head and its table of models.
    """
    lines = ['title = "t"', 'summary = "s"', *top, "[models]", f"a = {toml(model)}", 'b = "absent.py:other"', *models]
    for kind in kinds or claims():
        keys = {**claims()[kind], **{key: value for place, key, value in changes if place == kind}}
        lines += ["[[claim]]", f"kind = {toml(kind)}", *(f"{key} = {toml(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def claims():
    """Return the keys of one claim of each kind; a kind that this table does not know gets its required keys as texts."""
    from diagnose.case.claims import KINDS

    known = {
        "model": "a", "a": "a", "b": "b", "number": "6.0M", "numbers": ["6M"], "belief": "same", "module": "bn1",
        "norm": "instance norm", "degree": 2, "of": "each block", "models": ["a", "b"], "fewest": "a",
        "recipe": "paper", "against": "reproduction", "reported": 93.0, "reproduced": 90.0, "accuracy_a": 88.0,
        "accuracy_b": 92.0, "cause": "architecture",
    }  # fmt: skip
    made = {}
    for name, kind in KINDS.items():
        keys = {key.name: known.get(key.name, "a") for key in kind.keys if key.required}
        if name == "recipe":
            keys.update(a="paper", b="reproduction")
        made[name] = {"says": "s", **keys}
    return made


def wrong_values(draw):
    """Yield cases in which one key of one claim has a wrong value, every key some of them."""
    from diagnose.case.claims import KINDS

    for name, kind in KINDS.items():
        for key in [*(key.name for key in kind.keys), "id", "holds", "source", "says", "kind"]:
            for value in draw.sample(WRONG, 5):
                yield case_text(kinds=[name], changes=[(name, key, value)])


def wrong_tops(draw):
    """Yield cases in which one of the keys at the top, or the table of models, is wrong."""
    for key in ("title", "summary", "trials", "models", "claim", "unknown", "\\u0000", "a.b"):
        for value in draw.sample(WRONG, 8):
            body = case_text(kinds=["recipe"])
            rest = "\n".join(line for line in body.splitlines() if not line.startswith(f"{key} "))
            yield f'"{key}" = {toml(value)}\n{rest}'


def hostile_words(draw):
    """Yield cases whose texts steer terminals, break tables and pages, or are long."""
    words = [*STEERING, *MARKUP, "\x00", "a" * 4_000, "𝔘" * 1_000, "é" * 3_999]
    for word in words:
        quoted = toml(word)
        yield case_text(kinds=["recipe"], changes=[("recipe", "says", word), ("recipe", "source", word)]).replace(
            '"t"', quoted, 1
        )
        yield case_text(kinds=["recipe", "norm"], changes=[("norm", "module", word)]).replace('"s"', quoted, 1)


BOMBS = (
    "", "\n" * 70_000, "x" * 70_000, "# " + "a" * 65_000, "a = " + "[" * 30_000, "a = " + "[" * 5_000 + "]" * 5_000, "a = " + "{a = " * 5_000, ".".join("a" * 10_000) + " = 1", "[" + ".".join("a" * 20_000) + "]", "[[a]]\n" * 9_000, "a = " + "9" * 5_000, "a = 0x" + "f" * 60_000, "a = 1e" + "9" * 5_000, "a = " + "1_" * 5_000 + "1", "a = 9999-99-99T99:99:99", 'a = "' + "\\" * 9_999 + '"', 'a = """', "a = '''" + "'" * 50_000, "=" * 9_000, '"" = 1', "a = 1\na = 2", "\ufeffa = 1", "a = 1\x00", "a = \ud800", "[models]\n" + "\n".join(f"m{i} = 'torch'" for i in range(5_000)), 'title = "t"\nsummary = "s"\n' + '[[claim]]\nkind = "norm"\nsays = "s"\n' * 1_500,
)  # fmt: skip
"""Files that are no TOML of ours, long, deep or cut short."""

ENCODED = (
    b"\xff\xfe" + "title = 1".encode("utf-16-le"),
    b"\xff" * 100,
    b"\x80title",
    "title = 'é'".encode("latin-1"),
    bytes(range(256)),
    b"\x1f\x8b" + b"\0" * 100,
    b"\0" * 66_000,
)
"""Files that are not UTF-8."""


def some_bombs(count):
    """Return what draws some of the bombs."""
    return lambda draw: draw.sample(BOMBS, count)


# ------------------------------------------------------------------------------------- files of all kinds


def pipe(path):
    """A pipe that nobody writes into."""
    os.mkfifo(path)


def device(path):
    """A device that never ends, /dev/zero under another name."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
        path.open("rb").close()
    except OSError as error:
        raise CannotMake(f"no device can be made here: {error.strerror}") from error


def sink(path):
    """A device that takes everything, /dev/null under another name."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.open("rb").close()
    except OSError as error:
        raise CannotMake(f"no device can be made here: {error.strerror}") from error


def drain(path):
    """A pipe that somebody reads."""
    pipe(path)
    os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def endless(path):
    """A link to /dev/zero."""
    path.symlink_to("/dev/zero")


def loop(path):
    """A link to itself."""
    path.symlink_to(path.name)


def dangling(path):
    """A link to nothing."""
    path.symlink_to("nothing-here")


def folder(path):
    """A folder."""
    path.mkdir()


def listening(path):
    """A socket of the file system."""
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        server.bind(path.name)
    finally:
        os.chdir(here)
        server.close()


def unreadable(path):
    """A file without permissions."""
    path.write_text("x")
    path.chmod(0)


def sparse(path):
    """A file of 64 GB of nothing."""
    with path.open("wb") as file:
        file.truncate(64 << 30)


def absent(path):
    """Nothing at all."""


STRANGE = (pipe, device, endless, loop, dangling, folder, listening, sparse, absent)
"""What may stand where a file is expected; none of it is one that can be read."""


# -------------------------------------------------------------------------------------------------- JSON

LEAVES = (None, True, -1, 10**400, 1e308, "", "x" * 5_000, "\ud800", *STEERING, *MARKUP, [], {}, [[]], {"$float": "nan"}, {"$float": []}, {"item": "table"}, {"$$": 1})  # fmt: skip
"""Values that may stand in place of any other of a JSON file."""

JSON_BOMBS = (
    "", "null", "[]", "{}", "1", '"x"', "[" * 100_000, "{" + '"a":{' * 50_000, "[" * 5_000 + "]" * 5_000, "9" * 5_000, "-" + "9" * 5_000, "NaN", "[Infinity]", '{"schema": NaN}', '"\\ud800"', "{\"a\": 1e999}", "\ufeff{}", "\x00", "[1,", '{"a":1,"a":2}', "truefalse", '{"schema": "diagnose.trials/1", "arms": {}}', '{"schema": "diagnose.trials/1", "arms": [1]}', '{"schema": "diagnose.trials/1", "arms": [{"trial": {}, "seeds": [{"seed": 1e400}]}]}', '{"schema": "diagnose.trials/1", "arms": null}',
)  # fmt: skip
"""JSON that no reader of ours expects, and what is none."""


def altered(source):
    """Return what puts a wrong value somewhere into a JSON file, or drops, doubles or renames a key."""

    def of(draw):
        value = json.loads(source())
        for _ in range(draw.randint(1, 3)):
            _alter(value, draw)
        return json.dumps(value)

    return of


def worded(source, most=12):
    """Return what puts hostile words in place of some longer texts of a JSON file, which so stays what it is."""

    def of(draw):
        value = json.loads(source())
        places = list(_long_texts(value))
        for holder, key in draw.sample(places, min(most, len(places))):
            holder[key] = draw.choice((*STEERING, *MARKUP, "\ud800", "x" * 5_000))
        return json.dumps(value)

    return of


def _long_texts(value):
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _long_texts(inner)
        elif isinstance(inner, str) and len(inner) > 20:
            yield value, key


def _alter(value, draw):
    here = value
    while True:
        keys = list(here) if isinstance(here, dict) else range(len(here))
        if not keys:
            return
        key = draw.choice(list(keys))
        inner = here[key]
        if isinstance(inner, dict | list) and inner and draw.random() < 0.85:
            here = inner
            continue
        way = draw.random()
        if way < 0.75:
            here[key] = draw.choice(LEAVES)
        elif way < 0.85:
            del here[key]
        elif isinstance(here, dict):
            here[draw.choice(("$", "\x1b[31m", "item", ""))] = here.pop(key)
        else:
            here += here[:50]
        return


# ----------------------------------------------------------------------------------- checkpoints, images


class _Attack:
    """Unpickled, it runs a command."""

    def __reduce__(self):
        return os.system, ("touch ran_pickle",)


def pickled(draw=None):
    """Return a pickle that runs a command where it is loaded."""
    import pickle

    return pickle.dumps({"state_dict": _Attack()}, protocol=2)


def archive_of_torch(content=None):
    """Return torch's archive of a content, else of one that runs a command where it is loaded carelessly."""
    import torch

    held = io.BytesIO()
    torch.save({"weight": _Attack()} if content is None else content, held)
    return held.getvalue()


def good_checkpoint():
    """Return a checkpoint of the tiny network."""
    import torch

    return archive_of_torch({"0.weight": torch.zeros(4, 3), "0.bias": torch.zeros(4)})


def good_safetensors():
    """Return the same as safetensors."""
    header = json.dumps(
        {
            "0.weight": {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]},
            "0.bias": {"dtype": "F32", "shape": [4], "data_offsets": [48, 64]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(64)


def headers(draw):
    """Yield files of safetensors whose headers lie."""
    huge = json.dumps({"x": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4 * 10**18]}}).encode()
    for length, rest in (
        (2**63, b""),
        (2**64 - 1, b"{}"),
        (10**9, b"{}"),
        (0, b""),
        (2, b"{}"),
        (4, b"null"),
        (len(huge), huge),
    ):
        yield struct.pack("<Q", length) + rest
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    yield struct.pack("<Q", len(deep)) + deep
    steering = json.dumps({"\x1b[31m": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    yield struct.pack("<Q", len(steering)) + steering + bytes(4)


def torch_bombs(draw):
    """Yield torch's archives that declare more than they hold."""
    import torch

    yield archive_of_torch({"x": torch.zeros(1).expand(1 << 40)})
    yield archive_of_torch({"\x1b[31m": torch.zeros(2), 3: torch.zeros(1), "0.weight": "text", "0.bias": None})
    yield archive_of_torch([torch.zeros(2)] * 3)
    yield archive_of_torch(torch.nn.Parameter(torch.zeros(2)))
    yield archive_of_torch(
        {"0.weight": torch.sparse_coo_tensor(torch.zeros(2, 1).long(), torch.ones(1), (10**6, 10**6))}
    )
    yield archive_of_torch({"0.weight": torch.zeros(4, 3, device="meta"), "0.bias": torch.zeros(4)})
    nested = {}
    for _ in range(200):
        nested = {"state_dict": nested}
    yield archive_of_torch(nested)
    yield zipped({"archive/data.pkl": pickled(), "archive/version": b"3\n"})
    yield zipped({"archive/data.pkl": b"\x80\x02" + b"(" * 100_000, "archive/version": b"3\n"})
    yield zipped(
        {"archive/data.pkl": b"\x80\x02}q\x00" + b"\x8d" + struct.pack("<Q", 2**62), "archive/version": b"3\n"}
    )
    yield zipped({"a/data.pkl": bytes(300 << 20), "a/version": b"3\n"}, packed=True)
    yield zipped({"../evil/data.pkl": b"x", "/abs/data.pkl": b"y"})
    yield b"PK\x03\x04"
    yield b""


def zipped(files, *, packed=False):
    """Return a zip with these files, their names as they are."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def picture(side=8):
    """Return a small PNG."""
    from PIL import Image

    held = io.BytesIO()
    Image.new("RGB", (side, side)).save(held, "PNG")
    return held.getvalue()


def bomb_picture():
    """Return a PNG that says that it has 60,000 × 60,000 pixels."""
    data = bytearray(picture())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


GOOD_NAMES = ("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png")


def image_zips(draw):
    """Yield zips of images with names and contents that attack."""
    good = dict.fromkeys(GOOD_NAMES, picture())
    yield zipped({"../../train/evil/1.png": picture(), **good})
    yield zipped({"/train/a/../../../evil.png": b"x", **good})
    yield zipped({**good, "train/a/2.png": b"GIF89a"})
    yield zipped({**good, "train/a/2.png": bomb_picture()})
    yield zipped({**good, "train/a/2.png": b""})
    yield zipped({**good, "train/a/\x1b[31m.png": b"no image"})
    yield zipped({**good, "train/a/2.png": bytes(200 << 20)}, packed=True)
    yield zipped({"train/a/1.png": picture()})
    yield zipped({})
    yield zipped({**good, "train/c/1.png": picture(4)})
    yield zipped(good)[:-30]


def image_tars(draw):
    """Yield tars with links, devices, pipes, absolute names and names that climb."""
    kinds = (
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.FIFOTYPE,
        tarfile.BLKTYPE,
        tarfile.CONTTYPE,
        b"Z",
    )
    for kind in kinds:
        yield _tar([("train/a/2.png", kind, "/etc/passwd", b"")])
    for name in (
        "../../train/a/2.png",
        "/train/a/2.png",
        "train/a/" + "x" * 5_000,
        "train/a/\x1b[31m",
        "train//2.png",
        "train/a/.",
        "train/../a",
    ):
        yield _tar([(name, tarfile.REGTYPE, "", b"no image")])
    yield _tar([("train/a/2.png", tarfile.REGTYPE, "", b"x")])[:2_000]
    long = tarfile.TarInfo("train/a/2.png")
    long.size = 1 << 40
    yield long.tobuf() + bytes(1024)


def _tar(members):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name in GOOD_NAMES:
            _add(archive, name, tarfile.REGTYPE, "", picture())
        for member in members:
            _add(archive, *member)
    return held.getvalue()


def _add(archive, name, kind, target, data):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, len(data)
    archive.addfile(member, io.BytesIO(data))


def tree(name, make):
    """Return a maker of a class-folder tree in which a strange file stands at a name."""

    def placed(path):
        for good in GOOD_NAMES:
            (path / good).parent.mkdir(parents=True, exist_ok=True)
            (path / good).write_bytes(picture())
        make(path / name)

    placed.__doc__ = f"A tree of images with {name}: {make.__doc__}"
    return placed


def strange_trees(draw):
    """Yield trees in which pipes, devices and links stand among the images or in place of their folders."""
    for make in (pipe, device, endless, loop, dangling, folder, listening, sparse):
        yield tree("train/a/2.png", make)
    for name in ("train/c", "test/c"):
        yield tree(name, folder)
        yield tree(name, pipe)
    yield tree("train/a/\x1b[31m.png", lambda path: path.write_bytes(b"x"))


def array_files(draw):
    """Yield .npz files with pickled objects, shapes that do not fit, and headers that lie."""
    good = {
        "train_images": np.zeros((4, 8, 8, 3), np.uint8), "train_labels": np.array([0, 1, 0, 1]),
        "test_images": np.zeros((2, 8, 8, 3), np.uint8), "test_labels": np.array([0, 1]),
    }  # fmt: skip
    yield _npz({**good, "train_labels": np.array([_Attack()], dtype=object)})
    yield _npz({**good, "train_images": np.zeros((4, 8, 8, 3), np.float64)})
    yield _npz({**good, "train_images": np.zeros((0, 8, 8, 3), np.uint8)})
    yield _npz({**good, "train_labels": np.array([0, -1, 0, 1])})
    yield _npz({**good, "train_labels": np.array([0, 10**9, 0, 1])})
    yield _npz({**good, "test_labels": np.array(0)})
    yield _npz({**good, "train_images": np.zeros((), np.uint8)})
    yield _npz({"x": np.zeros(3)})
    for shape in (
        "(1000000000, 1000000, 8, 3)",
        "(-1,)",
        "(4, 8, 8, 3",
        "'x'",
        "(" * 500,
        "(9" + "9" * 400 + ",)",
        "(1 << 40,)",
    ):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
        yield zipped({f"{name}.npy": _npy(header) for name in good})
    yield zipped(
        {f"{name}.npy": _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + pickled() for name in good}
    )
    yield zipped({f"{name}.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) for name in good})
    yield zipped(
        {
            "train_images.npy": _npy("{'descr': '|u1', 'fortran_order': False, 'shape': (400000000,)}")
            + bytes(300 << 20)
        },
        packed=True,
    )
    yield pickled()
    yield _npz(good)[:-40]


def _npz(named):
    held = io.BytesIO()
    np.savez(held, **named)
    return held.getvalue()


def _npy(header):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


# ----------------------------------------------------------------------------------------------- journals


def journal(spec=None, lines=None, status="done"):
    """Return a maker of a folder of journals whose one trial holds these, each a text, bytes or a maker."""

    def placed(path):
        trial = path / "1"
        trial.mkdir(parents=True)
        for name, held in (
            ("trial.json", spec if spec is not None else trial_text()),
            ("journal.jsonl", lines),
            ("status", status),
        ):
            if callable(held):
                held(trial / name)
            elif isinstance(held, bytes):
                (trial / name).write_bytes(held)
            elif held is not None:
                (trial / name).write_text(held, "utf-8", "surrogatepass")

    what = [held.__doc__ if callable(held) else repr(held)[:80] for held in (spec, lines, status)]
    placed.__doc__ = f"Journals with trial.json, journal.jsonl and status: {' · '.join(what)}"
    return placed


def trials_text():
    """Return a file of kept trials, one arm with one seed."""
    import diagnose

    whole = json.loads((Path(diagnose.__file__).parent / "pinets/cases/pinets-table5.trials.json").read_text("utf-8"))
    arm = whole["arms"][0]
    return json.dumps(
        {
            "schema": whole["schema"],
            "arms": [
                {
                    "trial": arm["trial"],
                    "seeds": [{"seed": 0, "status": "done", "epochs": arm["seeds"][0]["epochs"][:2]}],
                }
            ],
        }
    )


def trial_text():
    """Return the trial.json of a journal."""
    return json.dumps({**json.loads(trials_text())["arms"][0]["trial"], "seed": 0})


LINE = '{"epoch": 1, "train_loss": 1.0, "test_accuracy": 0.5, "seconds": 1.0}\n'


def journals(draw):
    """Yield folders of journals whose files are strange, huge, deep or wrong."""
    for make in (pipe, device, endless, loop, folder, sparse):
        yield journal(spec=make)
        yield journal(lines=make)
        yield journal(lines=LINE, status=make)
    for bomb in draw.sample(JSON_BOMBS, 12):
        yield journal(spec=bomb)
        yield journal(lines=f"{bomb}\n")
    for number in ("9" * 400, "1e999", '"x"', "[]", "NaN"):
        yield journal(lines=LINE.replace("0.5", number))
        yield journal(lines=LINE.replace('"epoch": 1', f'"epoch": {number}'))
    for word in (*STEERING, *MARKUP[:4], "x" * 100_000):
        yield journal(lines=LINE, status=word)
    yield journal(spec=b"\xff\xfe", lines=b"\xff\xfe", status=b"\xff")
    yield journal(lines=b"\xff\xfe")
    yield journal(lines=LINE, status=b"\xff\xfe")


EVENTS = (
    '{"event": "process", "arguments": ["train.py"]}',
    '{"event": "step", "optimizer": 1, "number": 0}',
    '{"event": "backward", "loss": 0.5}',
    '{"event": "environment", "torch": "2"}',
    '{"event": "error", "name": "E", "message": "m", "place": "x.py:1"}',
    '{"event": "stopped", "reason": "epochs"}',
    '{"event": "end"}',
)


def watch_logs(draw):
    """Yield folders of a watched script's logs: strange files, deep or huge values, events without what they need."""
    for make in (pipe, device, endless, loop, folder, sparse):
        yield tree("1.jsonl", make)
    for bomb in draw.sample(JSON_BOMBS, 8):
        yield tree("1.jsonl", _lines(EVENTS[0], bomb))
    for event in EVENTS:
        yield tree("1.jsonl", _lines(EVENTS[0], event, event))
        yield tree("1.jsonl", _lines(EVENTS[0], event.replace('"event"', '"x"'), event))
    for word in MARKUP[:4]:
        yield tree("1.jsonl", _lines(json.dumps({"event": "process", "arguments": [word]}), EVENTS[1]))
    yield tree("1.jsonl", lambda path: path.write_bytes(b"\xff\xfe\n"))


def _lines(*lines):
    return lambda path: path.write_text("\n".join(lines) + "\n")


def altered_journals(count):
    """Return what draws journals with values altered in their trial or their line."""
    spec, line = altered(trial_text), altered(lambda: LINE)

    def drawn(draw):
        for _ in range(count):
            yield journal(spec=spec(draw), lines=LINE) if draw.random() < 0.7 else journal(lines=line(draw) + "\n")

    return drawn
