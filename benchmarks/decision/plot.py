"""Every judge a point: harm served to users against rollbacks that were wrong."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw(result: dict[str, Any], file: Path) -> None:
    """Write the plot of a result as SVG; judges without a ratio are left out."""
    figure = Figure(figsize=(9, 6))
    axes = figure.subplots()
    for name, ratios in result["ratios"].items():
        wrong = _wrong(result["judges"][name])
        harm = ratios["bad_mean"]
        if harm is None or wrong is None:
            continue
        ours = name == "ours"
        axes.scatter(100 * wrong, harm, color="tab:red" if ours else "tab:blue", zorder=3)
        axes.annotate(
            name,
            (100 * wrong, harm),
            textcoords="offset points",
            xytext=(6, 4),
            fontweight="bold" if ours else "normal",
        )
    axes.set_yscale("log")
    axes.set_xlabel("harmless rollouts rolled back, % (mean of healthy and tolerable)")
    axes.set_ylabel("bad requests served, as a multiple of ours (log scale)")
    axes.set_title("Lower left is better: little harm served, few wrong rollbacks")
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.text(0.01, 0.01, f"seed {result['seed']}, commit {result['commit']}, {result['date']}")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(file, format="svg", metadata={"Date": None})


def _wrong(judge: dict[str, Any]) -> float | None:
    known = [judge["pooled"][key] for key in ("false_healthy", "false_tolerable")]
    return sum(known) / len(known) if None not in known else None
