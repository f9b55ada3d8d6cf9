"""Canaries end as they should: simulated, at a size that shows it and costs little."""

from autopicker_lab.benchmark.canaries import endings


def test_a_worse_canary_goes_a_better_one_stays_and_an_equal_one_is_not_called_better() -> None:
    ended = endings(requests=3000, share=0.3, tries=8, kinds={"equal": 0.0, "worse": -0.3, "better": 0.3})
    last = ended[ended["requests"] == 3000].set_index("canary")
    assert last.loc["worse", ["promoted", "rolled_back"]].tolist() == [0.0, 1.0]
    assert last.loc["better", ["promoted", "rolled_back"]].tolist() == [1.0, 0.0]
    assert float(last["promoted"].loc["equal"]) <= 1 / 8
    assert ended.groupby("canary")["promoted"].is_monotonic_increasing.all()
