"""Results: the same values and texts as the command line's, drawn in any format, and rows for pandas."""

import json

import pytest
import torch
from torch import nn

import diagnose
from tests.api.nets import INPUT, MACS, PARAMETERS, Mine, Theirs


@pytest.fixture(scope="module")
def comparison():
    mine = Mine()
    mine.drop.p = 0.5
    return diagnose.compare(mine, Theirs(), inputs=INPUT)


@pytest.fixture(scope="module")
def port():
    return diagnose.compare(Mine(), Theirs(), inputs=INPUT)


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (("params", "torch.nn:Linear(in_features=4, out_features=2)", "--input", "1x4", "--by", "layer"),
         lambda text: diagnose.count_parameters(text, inputs="1x4", by="layer")),
        (("params", "torch.nn:Linear(in_features=4, out_features=2)", "--input", "1x4", "--reported", "10"),
         lambda text: diagnose.explain_parameters(text, "10", inputs="1x4")),
        (("flops", "torch.nn:Linear(in_features=4, out_features=2)", "--input", "1x4", "--train"),
         lambda text: diagnose.count_operations(text, inputs="1x4", train=True)),
        (("diff", "torch.nn:ReLU", "torch.nn:SiLU", "--input", "1x4"),
         lambda text: diagnose.compare(text, "torch.nn:SiLU", inputs="1x4")),
        (("recipe", "reproduction", "authors-2022"),
         lambda text: diagnose.compare_recipes(text, "authors-2022")),
        (("recipe", "--show", "paper"), lambda text: diagnose.read_recipe("paper")),
        (("pipeline", "torchvision:ResNet18_Weights.IMAGENET1K_V1"), lambda text: diagnose.examine_pipeline(text)),
        (("models", "prodpoly"), lambda text: diagnose.find_models("prodpoly")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_the_text_is_the_terminals(script, arguments, call):
    told = script(*arguments).stdout
    assert str(call(arguments[1])) == told.rstrip("\n")


def test_json_is_the_command_lines(script):
    told = json.loads(script("params", "torch.nn:ReLU", "--format", "json").stdout)
    assert json.loads(diagnose.count_parameters("torch.nn:ReLU").to_json()) == told


def test_a_written_report_is_drawn_again(tmp_path):
    count = diagnose.count_parameters(Mine(), inputs=INPUT)
    count.save(tmp_path / "count.json")
    written = diagnose.read_report(tmp_path / "count.json")
    assert (str(written), written.to_html()) == (str(count), count.to_html())
    assert sum(row["Parameters"] for row in written.rows()) == PARAMETERS


def test_what_is_no_report_is_refused(tmp_path):
    (tmp_path / "count.json").write_text("{}")
    with pytest.raises(diagnose.CannotRun, match="not a report"):
        diagnose.read_report(tmp_path / "count.json")


def test_a_count_by_formula():
    count = diagnose.count_parameters(Mine(), inputs=INPUT)
    assert (count.total, count.trainable, count.unused) == (PARAMETERS, PARAMETERS, 0)
    assert sum(row["parameters"] for row in count.rows()) == PARAMETERS


def test_operations_by_formula():
    count = diagnose.count_operations(Mine(), inputs=INPUT)
    assert count.macs == MACS
    assert sum(row["macs"] for row in count.rows()) == MACS


def test_several_networks_are_counted_beside_each_other():
    count = diagnose.count_operations(Mine(), Mine(8), Theirs(), inputs=INPUT)
    assert [model.ref.text for model in count.answer.models] == ["Mine (1)", "Mine (2)", "Theirs"]
    assert {row["model"] for row in count.rows()} == {"Mine (1)", "Mine (2)", "Theirs"}


def test_a_second_network_stands_beside_the_first():
    count = diagnose.count_parameters(Mine(), inputs=INPUT, against=Mine(8))
    assert count.answer.other_model.table.total - count.total == 4 * (3 * 9 + 2 + 5)


def test_an_explanation_proposes_edits_of_a_live_module():
    explanation = diagnose.explain_parameters(Mine(), str(PARAMETERS + 5), inputs=INPUT)
    assert not explanation.is_met
    assert {row["total"] for row in explanation.rows()} <= {PARAMETERS + 5}


def test_a_reported_number_must_be_as_it_is_written():
    with pytest.raises(diagnose.UsageError, match="is a float"):
        diagnose.explain_parameters(Mine(), 6.0e6)


def test_findings_as_rows(comparison):
    assert next((row["verdict"], row["where"]) for row in comparison.rows()) == ("real", ["drop ↔ classifier.1"])


def test_the_summary_is_one_sentence(comparison):
    said = "Mine and Theirs are the same function at inference; in training they differ: 1 real difference."
    assert repr(comparison) == f"<NetworkComparison: {said}>"


def test_a_notebook_gets_a_page_in_which_no_script_runs(comparison):
    shown = comparison._repr_html_()
    assert shown.startswith("<iframe sandbox srcdoc=")
    assert "&lt;!doctype html&gt;" in shown


@pytest.mark.parametrize(("suffix", "begin"), [("html", "<!doctype"), ("json", "{"), ("md", "## "), ("txt", "Mine")])
def test_a_result_is_saved_by_the_suffix(comparison, tmp_path, suffix, begin):
    path = tmp_path / f"report.{suffix}"
    comparison.save(path)
    assert path.read_text("utf-8").startswith(begin)


def test_another_suffix_is_refused(comparison, tmp_path):
    with pytest.raises(diagnose.UsageError, match="no suffix of a format"):
        comparison.save(tmp_path / "report.docx")


def trained(net):
    for tensor in (*net.parameters(), net.state_dict()[next(n for n in net.state_dict() if "running_var" in n)]):
        tensor.data.uniform_(0.5, 1.5)
    return net.eval()


def test_a_checkpoint_is_converted_from_b_to_a(port):
    theirs, mine = trained(Theirs()), Mine().eval()
    mine.load_state_dict(port.convert(theirs.state_dict()))
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(mine(x), theirs(x))


def test_a_checkpoint_is_converted_from_a_to_b(port):
    theirs, mine = Theirs().eval(), trained(Mine())
    theirs.load_state_dict(port.convert({"state_dict": mine.state_dict(), "epoch": 3}))
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(mine(x), theirs(x))


def test_a_checkpoint_of_neither_is_refused(port):
    with pytest.raises(diagnose.UsageError, match="is no checkpoint of Mine"):
        port.convert({"layer.weight": torch.zeros(1)})


def test_a_conversion_that_leaves_tensors_unfilled_is_refused_unless_partial():
    first = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    second = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.LayerNorm(4))
    found = diagnose.compare(first, second, inputs="1x4")
    with pytest.raises(diagnose.CannotRun, match=r"2\.weight"):
        found.convert(first.state_dict(), to="b")
    assert set(found.convert(first.state_dict(), to="b", partial=True)) == set(second.state_dict())


def test_own_weights_are_compared():
    mine, theirs = trained(Mine()), trained(Theirs())
    assert diagnose.compare(mine, theirs, inputs=INPUT, weights="own").verdict == "different"
    mine.load_state_dict(diagnose.compare(mine, theirs, inputs=INPUT).convert(theirs.state_dict()))
    assert diagnose.compare(mine, theirs, inputs=INPUT, weights="own").verdict == "equivalent"


def test_checkpoints_are_given_as_state_dicts_or_as_files(tmp_path, port):
    theirs = trained(Theirs())
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    given = {"weights_a": port.convert(theirs.state_dict()), "weights_b": tmp_path / "theirs.pth"}
    assert diagnose.compare(Mine(), Theirs(), inputs=INPUT, **given).verdict == "equivalent"


def test_a_rate_of_dropout_is_no_difference_in_eval_mode():
    mine = Mine()
    mine.drop.p = 0.5
    assert diagnose.compare(mine, Theirs(), inputs=INPUT, mode="eval").verdict == "equivalent"
    assert diagnose.compare(mine, Theirs(), inputs=INPUT, mode="train").verdict == "different"


def test_own_weights_are_not_compared_in_train_mode():
    with pytest.raises(diagnose.UsageError, match="eval mode"):
        diagnose.compare(Mine(), Theirs(), inputs=INPUT, mode="train", weights="own")


def test_the_mapping_is_saved(port, tmp_path):
    port.save_mapping(tmp_path / "mapping.json")
    pairs = json.loads((tmp_path / "mapping.json").read_text())["pairs"]
    assert ["conv.weight", "features.0.weight", ""] in pairs


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: diagnose.count_parameters("no-such-model"), diagnose.UsageError),
        (lambda: diagnose.compare(Mine(), Theirs(), inputs="1x4"), diagnose.CannotRun),
        (lambda: diagnose.compare(Mine(), Theirs(), mode="test"), diagnose.UsageError),
        (lambda: diagnose.judge("no-such-case"), diagnose.UsageError),
        (lambda: diagnose.probe(Mine()), diagnose.UsageError),
    ],
)
def test_an_error_says_its_kind(call, kind):
    with pytest.raises(kind):
        call()
