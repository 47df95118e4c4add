"""Tables of layers and MyST tables."""

from skipnets.architectures import build
from skipnets.architectures.summary import layer_rows
from skipnets.specs import CNN, ResNet
from skipnets.tables import layer_table, myst_table


def test_layer_rows_name_what_each_layer_reads() -> None:
    rows = {row.name: row for row in layer_rows(build(ResNet()))}
    assert rows["unit1_add"].inputs == ("unit1_conv2", "stem_pool")
    assert rows["img"].inputs == ()
    assert rows["head_conv"].shape == (None, 7, 7, 64)


def test_rows_add_up_to_the_model() -> None:
    model = build(CNN())
    assert sum(row.parameters for row in layer_rows(model)) == model.count_params() == 418_794


def test_a_myst_table_is_captioned_named_and_escapes_bars() -> None:
    lines = myst_table(("a", "b"), [(1, "x|y")], "Caption.", "tbl-x").splitlines()
    assert lines[0] == ":::{table} Caption."
    assert lines[1] == ":name: tbl-x"
    assert lines[-2:] == ["| 1 | x\\|y |", ":::"]


def test_the_layer_table_ends_with_the_total() -> None:
    assert "**418,794**" in layer_table(layer_rows(build(CNN())), "The CNN.", "tbl-cnn").splitlines()[-2]
