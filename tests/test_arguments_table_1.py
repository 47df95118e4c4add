"""What document 003's Table 1 and its layer plans say by themselves, without a run."""

import pytest

from skipnets.analysis.costs import architecture_cost
from skipnets.experiments import concat_vs_sum
from skipnets.published import TABLE_1
from skipnets.specs import SGD, JoinNet


def test_the_grid_has_the_printed_settings() -> None:
    for cell in concat_vs_sum().select(list(TABLE_1)).cells:
        spec = cell.spec
        assert spec.optimizer == SGD(learning_rate=0.01)
        assert (spec.batch_size, spec.epochs, spec.loss) == (500, 200, "probabilities")
        assert isinstance(spec.architecture, JoinNet)
        join, depth, kernels = cell.name.split("_")
        assert (spec.architecture.depth, spec.architecture.kernels) == (int(depth), int(kernels))
        assert spec.architecture.join == {"baseline": "none", "concatenation": "concatenate", "summation": "sum"}[join]


def test_the_baseline_that_did_not_fit_is_smaller_than_a_net_that_did() -> None:
    trained, missing = (architecture_cost(JoinNet(depth=69, kernels=16, join=join)) for join in ("concatenate", "none"))  # type: ignore[arg-type]
    deeper = architecture_cost(JoinNet(depth=99, kernels=16))
    assert missing.activation_bytes < trained.activation_bytes < deeper.activation_bytes
    assert trained.parameters / missing.parameters == pytest.approx(14, abs=1)


def test_table_1_breaks_the_rule_for_kernels() -> None:
    assert {name for name in TABLE_1 if "_69_" in name} > {"concatenation_69_16"}


def test_table_1_lacks_two_promised_rows() -> None:
    assert not {"baseline_99_3", "summation_120_3"} & TABLE_1.keys()
    assert {"baseline_99_3", "summation_120_3"} <= {cell.name for cell in concat_vs_sum().cells}


def test_three_rows_beat_the_one_called_best() -> None:
    best = TABLE_1["concatenation_12_16"].test
    better = {name for name, row in TABLE_1.items() if row.test > best}
    assert better == {"concatenation_12_64", "concatenation_69_16", "summation_12_64"}


def test_no_row_shows_a_baseline_that_depth_improved() -> None:
    deeper = {name: row.test for name, row in TABLE_1.items() if name.startswith("baseline") and "_12_" not in name}
    assert deeper == {"baseline_69_3": 0.099}
    assert TABLE_1["baseline_12_3"].test == 0.485


def test_the_split_of_the_3_kernel_nets_grows_with_depth() -> None:
    rows = [TABLE_1[f"concatenation_{depth}_3"] for depth in (12, 69, 120)]
    assert [row.training - row.test for row in rows] == pytest.approx([0.007, 0.022, 0.116])
    wider = TABLE_1["concatenation_69_16"]
    assert wider.training - wider.test == pytest.approx(0.192)


def test_no_row_has_6_kernels_and_the_grid_does() -> None:
    assert not [name for name in TABLE_1 if name.endswith("_6")]
    assert {f"{join}_12_6" for join in ("baseline", "concatenation", "summation")} <= {
        cell.name for cell in concat_vs_sum().cells
    }
