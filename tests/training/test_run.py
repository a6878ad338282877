"""A run: what it writes down, when it ends, what it averages, and which directories it refuses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import load
from trasluz.errors import TrasluzError
from trasluz.models.transformer import Transformer
from trasluz.training.checkpoint import WEIGHTS, Checkpoints
from trasluz.training.keeper import RECORD
from trasluz.training.material import Material
from trasluz.training.progress import StepReport, read_record
from trasluz.training.run import CHECKPOINTS, METRICS, SETTINGS, Corpus, alone, read_corpus, train
from trasluz.training.validation import Validation, validate

Settings = Callable[..., dict[str, Any]]


class Quiet:
    """A display that keeps what is said and counts updates."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[int] = []

    def say(self, sentence: str) -> None:
        """Keep it."""
        self.said.append(sentence)

    def step(self, report: StepReport) -> None:
        """Count."""
        self.steps.append(report.step)

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture(scope="module")
def corpus(pairs: list[Pair]) -> Corpus:
    return Corpus(pairs[:53], pairs[53:])


@pytest.fixture(scope="module")
def finished(corpus: Corpus, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five steps that came to its end; nobody may change it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    train(corpus, out=out, changes=tiny(budget={"steps": 5}), display=Quiet())
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def refusal(corpus: Corpus, *, out: Path, **arguments: Any) -> str:
    """The sentence with which a run is refused; whatever stands in `out` is as it was."""
    before = contents(out)
    with pytest.raises(TrasluzError) as refused:
        train(corpus, out=out, display=Quiet(), **arguments)
    assert contents(out) == before
    return str(refused.value)


def test_a_run_leaves_a_model_and_the_record_of_its_making(finished: Path, corpus: Corpus) -> None:
    record = json.loads((finished / RECORD).read_text())
    assert record["pairs"] == len(corpus.training)
    assert record["validation"]["pairs"] == len(corpus.validation)
    assert set(record["validation"]["metrics"]) == {"bleu", "chrf", "ter"}
    assert {"torch", "trasluz", "python"} <= set(record["versions"])
    settings = json.loads((finished / SETTINGS).read_text())
    assert settings["settings"]["model"]["width"] == 12
    lines = [json.loads(line) for line in (finished / METRICS).read_text().split("\n")[:-1]]
    best = min((line for line in lines if line["kind"] == "validation"), key=lambda line: float(line["loss"]))
    assert (record["steps"], record["validation"]["loss"]) == (best["step"], best["loss"])
    assert load(finished).translate("the cat sees a house").source == "the cat sees a house"


def test_a_fresh_run_says_what_it_chose_and_why(corpus: Corpus, tiny: Settings, tmp_path: Path) -> None:
    display = Quiet()
    train(corpus, out=tmp_path / "run", changes=tiny(budget={"steps": 1}), display=display)
    assert display.said[0] == "dropout 0.2: few pairs are soon known by heart", "the others were asked for"
    assert "learning 311 pieces from 53 pairs" in display.said
    assert display.steps == [1]


def test_the_same_command_on_a_finished_run_changes_nothing(
    corpus: Corpus, tiny: Settings, finished: Path
) -> None:
    before, display = contents(finished), Quiet()
    progress = train(corpus, out=finished, changes=tiny(budget={"steps": 5}), display=display)
    assert (progress.step, progress.ended, display.steps) == (5, True, [])
    assert contents(finished) == before


def test_the_same_command_on_a_finished_run_says_that_it_is_finished(
    corpus: Corpus, tiny: Settings, finished: Path
) -> None:
    display = Quiet()
    train(corpus, out=finished, changes=tiny(budget={"steps": 5}), display=display)
    said = next(sentence for sentence in display.said if "5 steps" in sentence)
    assert "going on" not in said, "it does not go on: it has come to its end"


def test_a_larger_budget_goes_on_where_the_smaller_one_ended(
    corpus: Corpus, tiny: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(corpus, out=out, changes=tiny(budget={"steps": 5}), display=Quiet())
    display = Quiet()
    progress = train(corpus, out=out, changes=tiny(budget={"steps": 7}), display=display)
    assert (progress.step, display.steps) == (7, [6, 7])
    assert json.loads((out / SETTINGS).read_text())["settings"]["budget"]["steps"] == 7


def test_other_settings_are_refused_by_their_names(corpus: Corpus, tiny: Settings, finished: Path) -> None:
    changes = tiny(budget={"steps": 5}, smoothing=0.3, optimizer={"warmup": 7})
    assert refusal(corpus, out=finished, changes=changes) == (
        f"{finished} holds another run: optimizer.warmup is 3 there and 7 here; "
        "smoothing is 0.1 there and 0.3 here; choose another --out, or give what it was begun with"
    )
    assert "preset is 'auto' there and 'small' here" in refusal(
        corpus, out=finished, changes=tiny(), preset="small"
    )


def test_other_pairs_are_refused(corpus: Corpus, tiny: Settings, finished: Path) -> None:
    fewer = Corpus(corpus.training[:-1], corpus.validation)
    assert "holds another run: the pairs are others;" in refusal(fewer, out=finished, changes=tiny())
    turned = Corpus(corpus.training, corpus.validation[::-1])
    assert "holds another run: the validation pairs are others;" in refusal(
        turned, out=finished, changes=tiny()
    )


def test_a_directory_that_holds_no_run_is_left_alone(corpus: Corpus, tiny: Settings, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear to somebody")
    assert refusal(corpus, out=tmp_path, changes=tiny()) == (
        f"{tmp_path} is there already and holds no run; choose another --out"
    )
    file = tmp_path / "thesis.txt"
    assert f"{file} is there already and holds no run" in refusal(corpus, out=file, changes=tiny())


def test_two_processes_do_not_train_in_one_directory(corpus: Corpus, tiny: Settings, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with alone(out), pytest.raises(TrasluzError) as refused:
        train(corpus, out=out, changes=tiny(budget={"steps": 2}))
    assert str(refused.value) == (
        f"another process is training in {out}; wait for its end, stop it, or choose another --out"
    )
    assert train(corpus, out=out, changes=tiny(budget={"steps": 2})).step == 2


def test_a_new_run_may_begin_in_an_empty_directory(corpus: Corpus, tiny: Settings, tmp_path: Path) -> None:
    assert train(corpus, out=tmp_path, changes=tiny(budget={"steps": 1}), display=Quiet()).step == 1


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"batch": {"longest": 1}}, {}),
        ({"model": {"width": 15}}, {"model": {"width": 18}}),
        ({"tokenizer": {"vocabulary": 11}}, {}),
        ({"tokenizer": {"vocabulary": 11}}, {"tokenizer": {"vocabulary": 313}}),
    ],
)
def test_a_mistake_that_stops_a_run_before_its_first_step_can_be_mended(
    corpus: Corpus, tiny: Settings, tmp_path: Path, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    out = tmp_path / "run"
    with pytest.raises(TrasluzError, match=r"raise|even width"):
        train(corpus, out=out, changes=tiny(**wrong), display=Quiet())
    progress = train(corpus, out=out, changes=tiny(budget={"steps": 1}, **right), display=Quiet())
    assert progress.step == 1


def test_more_budget_goes_on_looking_at_validation_pairs(
    corpus: Corpus, tiny: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for steps in (10, 40):
        changes = tiny(budget={"steps": steps}, validation={"every": None})
        train(corpus, out=out, changes=changes, display=Quiet())
    looks = [report["step"] for report in read_record(out / METRICS) if report["kind"] == "validation"]
    assert len([step for step in looks if step > 10]) >= 7


def test_a_model_has_the_vocabulary_and_the_symbols_of_its_tokenizer(
    corpus: Corpus, tiny: Settings, tmp_path: Path
) -> None:
    embedding = {"embedding": {"vocabulary": 77}}
    assert "give tokenizer.vocabulary alone" in refusal(
        corpus, out=tmp_path / "run", changes=tiny(model=embedding)
    )
    symbols = {"symbols": {"pad": 9}}
    assert "model.symbols are those of the tokenizer" in refusal(
        corpus, out=tmp_path / "run", changes=tiny(model=symbols)
    )
    train(corpus, out=tmp_path / "run", changes=tiny(budget={"steps": 1}), display=Quiet())
    saved = json.loads((tmp_path / "run" / "settings.json").read_text("utf-8"))["settings"]
    assert saved["model"]["embedding"]["vocabulary"] == saved["tokenizer"]["vocabulary"] == 311


def test_paths_may_be_words_as_everywhere(tiny: Settings, pairs: list[Pair], tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs), encoding="utf-8")
    corpus = read_corpus(str(file), valid=[str(file)])
    assert list(corpus.training) == list(corpus.validation) == pairs
    progress = train(corpus, out=str(tmp_path / "run"), changes=tiny(budget={"steps": 1}), display=Quiet())
    assert progress.step == 1


def test_settings_that_cannot_be_are_refused_before_anything_is_written(
    corpus: Corpus, tiny: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for changes, sentence in (
        (tiny(model={"width": 13}), "settings: the width 13 is not divisible by the 3 heads of the encoder"),
        (tiny(optimiser={}), "settings: unknown key 'optimiser'; known, nearest first: optimizer, "),
        (
            {"budget": {"steps": 0}},
            "settings: budget.steps is 0, but it should be greater than or equal to 1",
        ),
        ({"budget": {"seconds": "soon"}}, "budget.seconds is 'soon'"),
        ({"budget": 5}, "budget"),
        ({"budget": None}, "budget"),
        ({"tokenizer": {"kind": "bpe", "sampling": 0.5}}, "tokenizer.sampling needs the kind 'unigram'"),
    ):
        assert sentence in refusal(corpus, out=out, changes=changes)
    assert refusal(corpus, out=out, preset="tinny").startswith(
        "unknown preset 'tinny'; allowed, nearest first: tiny, "
    )
    assert not out.exists()


def test_patience_ends_a_run_that_gains_nothing(corpus: Corpus, tiny: Settings, tmp_path: Path) -> None:
    changes = tiny(optimizer={"rate": 1e-30}, validation={"every": 2, "patience": 2}, budget={"steps": 50})
    progress = train(corpus, out=tmp_path / "run", changes=changes, display=Quiet())
    assert (progress.step, progress.best_step, progress.without_gain) == (6, 2, 2)
    again = Quiet()
    assert train(corpus, out=tmp_path / "run", changes=changes, display=again).step == 6
    assert again.steps == []


def test_a_budget_of_time_ends_a_run(corpus: Corpus, tiny: Settings, tmp_path: Path) -> None:
    changes = tiny(budget={"steps": None, "seconds": 0.2})
    progress = train(corpus, out=tmp_path / "run", changes=changes, display=Quiet())
    assert progress.ended
    assert progress.step >= 1
    load(tmp_path / "run")


def mean_of_the_last(checkpoints: Checkpoints, count: int) -> dict[str, torch.Tensor]:
    several = [load_file(place / WEIGHTS) for place in checkpoints.places()[-count:]]
    return {name: sum(one[name] for one in several) / count for name in several[0]}  # type: ignore[misc]


@pytest.mark.parametrize("better", [True, False])
def test_the_mean_of_the_last_checkpoints_is_handed_out_only_where_it_is_better(
    corpus: Corpus, tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: bool
) -> None:
    def judged(model: Transformer, material: Material) -> Validation:
        return dataclasses.replace(validate(model, material), loss=0.0 if better else 1e9)

    monkeypatch.setattr("trasluz.training.keeper.validate", judged)
    out, display = tmp_path / "run", Quiet()
    progress = train(corpus, out=out, changes=tiny(average=3), display=display)
    checkpoints = Checkpoints(out / CHECKPOINTS, keep=5)
    handed_out = load_file(out / WEIGHTS)
    expected = (
        mean_of_the_last(checkpoints, 3)
        if better
        else load_file(out / CHECKPOINTS / f"step-{progress.best_step:08d}" / WEIGHTS)
    )
    torch.testing.assert_close(handed_out, expected, atol=1e-6, rtol=1e-5)
    verdict = "better, kept" if better else "no better, the best single one stays"
    assert display.said[-1].startswith("mean of the last 3 checkpoints: loss ")
    assert display.said[-1].endswith(verdict)


@pytest.mark.parametrize("better", [True, False])
def test_the_same_command_on_a_run_that_was_averaged_changes_nothing(
    corpus: Corpus, tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: bool
) -> None:
    def judged(model: Transformer, material: Material) -> Validation:
        return dataclasses.replace(validate(model, material), loss=0.0 if better else 1e9)

    monkeypatch.setattr("trasluz.training.keeper.validate", judged)
    train(corpus, out=tmp_path / "run", changes=tiny(average=3), display=Quiet())
    before = contents(tmp_path / "run")
    train(corpus, out=tmp_path / "run", changes=tiny(average=3), display=Quiet())
    after = contents(tmp_path / "run")
    assert [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)] == []


def test_a_mean_that_was_better_is_not_replaced_by_a_worse_model_when_the_run_goes_on(
    corpus: Corpus, tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def best_of_all(model: Transformer, material: Material) -> Validation:
        return dataclasses.replace(validate(model, material), loss=0.0)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("trasluz.training.keeper.validate", best_of_all)
        train(corpus, out=out, changes=tiny(average=2), display=Quiet())
    mean = (out / WEIGHTS).read_bytes()
    progress = train(corpus, out=out, changes=tiny(average=2, budget={"steps": 19}), display=Quiet())
    assert progress.step == 19
    assert (out / WEIGHTS).read_bytes() == mean


def test_a_validation_sees_the_weights_that_are_handed_out(
    corpus: Corpus, tiny: Settings, finished: Path
) -> None:
    from trasluz.evaluation.metrics import evaluate

    record = json.loads((finished / RECORD).read_text())["validation"]["metrics"]
    evaluation = evaluate(load(finished), corpus.validation, beam=1)
    for name, metric in evaluation.metrics.items():
        assert record[name] == {"value": metric.value, "signature": metric.signature}


def test_pairs_that_are_too_long_are_left_out_and_counted(
    corpus: Corpus, tiny: Settings, tmp_path: Path
) -> None:
    long = Pair("the cat " * 50, "el gato")
    display = Quiet()
    changes = tiny(budget={"steps": 1}, batch={"longest": 61})
    train(Corpus([*corpus.training, long], corpus.validation), out=tmp_path, changes=changes, display=display)
    assert "1 pairs are longer than 61 pieces: left out" in display.said


def test_one_in_twenty_pairs_is_held_out_and_never_learnt(pairs: list[Pair], tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs), encoding="utf-8")
    corpus = read_corpus([file], seed=3)
    assert len(corpus.validation) == len(pairs) // 20
    assert sorted([*corpus.training, *corpus.validation], key=pairs.index) == pairs
    assert read_corpus([file], seed=3) == corpus
    assert read_corpus([file], seed=5).validation != corpus.validation


def test_pairs_that_are_given_for_validation_are_all_of_it(pairs: list[Pair], tmp_path: Path) -> None:
    training, validation = tmp_path / "training.tsv", tmp_path / "validation.tsv"
    for file, some in ((training, pairs[:53]), (validation, pairs[53:])):
        file.write_text("".join(f"{one.target}\t{one.source}\n" for one in some), encoding="utf-8")
    assert read_corpus([training], valid=[validation], columns=(2, 1)) == Corpus(pairs[:53], pairs[53:])
