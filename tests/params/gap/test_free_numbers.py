"""Any whole number is solved for by division, and no role is guessed against the shape."""

import pytest
import torchvision
from torch import nn

from diagnose.params.gap.edits import embeddings, ends
from diagnose.params.gap.edits.families import free_numbers
from diagnose.params.gap.edits.widths import scaled
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.parameter_conventions import PLAIN
from diagnose.params.gap.search import search
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.reported import parse_reported
from diagnose.params.table import count_parameters


class Reader(nn.Module):
    """A transformer encoder of d = 48 with token, position and type tables, a pooler, and, where asked, an output."""

    def __init__(self, *, vocabulary=1000, positions=64, feed_forward=200, output=False):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, 48)
        self.embed_positions = nn.Embedding(positions, 48)
        self.types = nn.Embedding(2, 48)
        layer = nn.TransformerEncoderLayer(48, 4, feed_forward)
        self.layers = nn.ModuleList([layer, nn.TransformerEncoderLayer(48, 4, feed_forward)])
        self.pooler = nn.Linear(48, 48)
        if output:
            self.output = nn.Linear(48, vocabulary, bias=False)
            self.output.weight = self.tokens.weight


class Doubling(nn.Module):
    """A super-resolution network: RGB in, RGB out."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3)
        self.body = nn.Sequential(*[nn.Sequential(nn.Conv2d(width, width, 3), nn.ReLU()) for _ in range(3)])
        self.last = nn.Conv2d(width, 3, 3)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def layout(module):
    return layout_of(count_parameters(module))


def solutions(module, number):
    found = search(SearchSpace(layout(module), (PLAIN,), most_cost=2.0), parse_reported(f"{number:,}"))
    return {solution.edits[0].key for solution in found if len(solution.edits) == 1}


@pytest.mark.parametrize("classes", [7, 365, 1203])
def test_any_number_of_classes_is_found(classes):
    number = parameters(torchvision.models.resnet18(num_classes=classes))
    assert ("number of classes", (("classes", classes),)) in solutions(torchvision.models.resnet18(), number)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"vocabulary": 1193}, ("vocabulary", (("vocabulary", 1193),))),
        ({"positions": 71}, ("positions", (("length", 71),))),
        ({"feed_forward": 333}, ("feed-forward width", (("width", 333),))),
    ],
)
def test_any_vocabulary_length_and_feed_forward_width_is_found(options, key):
    assert key in solutions(Reader(), parameters(Reader(**options)))


def test_a_number_of_few_digits_tells_no_number_of_classes():
    found = search(SearchSpace(layout(torchvision.models.resnet18()), (PLAIN,)), parse_reported("11.5M"))
    solved = [edit for solution in found for edit in solution.edits if edit.family == "number of classes"]
    assert all(edit.cost == 1.0 for edit in solved)  # those of well-known data sets alone


def test_a_pooler_is_no_classifier():
    assert isinstance(ends.class_number(layout(Reader())), str)


def test_a_table_of_positions_or_types_is_no_vocabulary():
    assert embeddings.vocabulary_number(layout(Reader())).now == 1000
    assert embeddings.position_number(layout(Reader())).now == 64


def test_untying_the_output_leaves_other_tied_tables_tied():
    module = Reader(output=True)
    module.decoder_tokens = nn.Embedding(1000, 48)
    module.decoder_tokens.weight = module.tokens.weight
    reader = layout(module)
    (untied,) = embeddings.tying(reader)
    assert PLAIN.total(untied.apply(reader).counts()) == PLAIN.total(reader.counts()) + 1000 * 48


def test_an_embedding_of_patches_is_offered_no_other_kernel():
    assert isinstance(ends.stem(layout(torchvision.models.vit_b_16())), str)


def test_a_width_edit_leaves_the_image_that_a_network_puts_out():
    assert PLAIN.total(scaled(layout(Doubling(32)), 24, 32).counts()) == parameters(Doubling(24))


def test_the_slope_of_a_free_number_is_what_one_more_adds():
    slopes = {number.family: number.slope for number in free_numbers(layout(Reader(output=True)))}
    assert slopes == {"vocabulary": 48, "positions": 48, "feed-forward width": 2 * (2 * 48 + 1)}
