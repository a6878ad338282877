"""A table in Markdown: as many cells in every line, figures to the right, no cell broken by its text."""

from __future__ import annotations

from trasluz.evaluation.table import Table


def test_a_table_has_a_rule_below_its_headings() -> None:
    table = Table(["model", "score", "BLEU"], [["a", "dot", "7.00"], ["b|c", "mlp", "11.00"]], texts=2)
    assert table.to_markdown().splitlines() == [
        "| model | score | BLEU |",
        "| --- | --- | ---: |",
        "| a | dot | 7.00 |",
        "| b\\|c | mlp | 11.00 |",
    ]


def test_a_table_without_rows_has_its_headings() -> None:
    assert Table(["words", "BLEU"], []).to_markdown() == "| words | BLEU |\n| --- | ---: |"
