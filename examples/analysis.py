#!/usr/bin/python3
"""Draws a sweep: accuracy against its first axis, one line per value of the second.

  ohmic sweep data/experiments/sweep_fashion.toml -o fashion_sweep
  examples/analysis.py fashion_sweep/results.h5 -o fashion_sweep

writes accuracy.png and accuracy.svg, and, where the sweep has two axes or more, a heat map of the
first two. Needs python3-xarray, python3-h5netcdf and python3-matplotlib (./packages python).
"""
import argparse
import pathlib

import matplotlib
matplotlib.use("Agg")  # files only: no display is needed
import matplotlib.pyplot as plt
import numpy
import xarray


def interval(accuracy, draws=2000):
    """Mean over chips [%] and its 95 % interval, by the studentised bootstrap
    (docs/statistics.md); none below five chips."""
    random = numpy.random.default_rng(1)

    def ends(values):
        values = values[~numpy.isnan(values)]
        n = values.size
        if n < 5:  # too few to resample
            return numpy.full(2, numpy.nan)
        mean, error = values.mean(), values.std(ddof=1) / n**0.5
        resampled = values[random.integers(n, size=(draws, n))]
        errors = numpy.maximum(resampled.std(axis=1, ddof=1) / n**0.5, 0.2 * error)
        if error == 0:
            return numpy.full(2, mean)
        t = numpy.percentile((resampled.mean(axis=1) - mean) / errors, [97.5, 2.5])
        return numpy.clip(mean - t * error * (n / (n - 1))**0.5, 0, 100)

    bounds = xarray.apply_ufunc(ends, accuracy, input_core_dims=[["chip"]],
                                output_core_dims=[["end"]], vectorize=True)
    return accuracy.mean("chip"), bounds.isel(end=0), bounds.isel(end=1)


def label(coordinate):
    unit = coordinate.attrs.get("units", "1")
    return coordinate.name + (f" [{unit}]" if unit != "1" else "")


def positions(coordinate):
    """Where values stand on an axis: numbers at themselves, words side by side."""
    is_number = numpy.issubdtype(coordinate.dtype, numpy.number)
    return coordinate.values if is_number else numpy.arange(coordinate.size)


def name_words(axis, coordinate):
    if not numpy.issubdtype(coordinate.dtype, numpy.number):
        axis.set_ticks(numpy.arange(coordinate.size), coordinate.values)


def draw_lines(accuracy, float_accuracy):
    """Per cent against the first axis, one line per value of the second."""
    first, *others = (dim for dim in accuracy.dims if dim != "chip")
    mean, low, high = interval(accuracy)
    x = positions(accuracy[first])
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    values = accuracy[others[0]].values if others else [None]
    colours = plt.get_cmap("viridis")(numpy.linspace(0, 0.9, len(values)))
    for value, colour in zip(values, colours):
        at = {others[0]: value} if others else {}
        here, below, above = (part.sel(at) for part in (mean, low, high))
        if here.isnull().all():  # every point failed
            continue
        axes.errorbar(x, here, [here - below, above - here], fmt=".-", capsize=3, linewidth=1.5,
                      elinewidth=0.8, color=colour, label=value)
    reference = numpy.unique(float_accuracy)
    if reference.size == 1:  # one network at all points
        axes.axhline(reference[0], color="grey", linestyle="--", linewidth=1)
        axes.annotate("float network", (x[-1], reference[0]), ha="right", xytext=(0, 3),
                      textcoords="offset points", color="grey")
    name_words(axes.xaxis, accuracy[first])
    axes.set_xlabel(label(accuracy[first]))
    axes.set_ylabel("accuracy [%], 95 % interval over chips")
    if others:
        axes.legend(title=label(accuracy[others[0]]))
    return figure


def draw_heat_map(accuracy):
    """Mean accuracy in per cent over the first two axes, with its number in every field."""
    rows, columns = (dim for dim in accuracy.dims if dim != "chip")
    mean = accuracy.mean("chip")
    figure, axes = plt.subplots(
        figsize=(2 + 0.7 * mean.sizes[columns], 1.5 + 0.4 * mean.sizes[rows]), layout="constrained")
    image = axes.imshow(mean, aspect="auto", origin="lower", cmap="viridis")
    middle = (float(mean.min()) + float(mean.max())) / 2
    for (row, column), value in numpy.ndenumerate(mean.values):
        axes.text(column, row, f"{value:.1f}", ha="center", va="center",
                  color="white" if value < middle else "black")
    for axis, dim in ((axes.xaxis, columns), (axes.yaxis, rows)):
        words = [f"{value:g}" if numpy.issubdtype(type(value), numpy.number) else str(value)
                 for value in mean[dim].values]
        axis.set_ticks(numpy.arange(len(words)), words)
        axis.set_label_text(label(mean[dim]))
    figure.colorbar(image, label="mean accuracy [%]")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("results", type=pathlib.Path, help="results.h5 of ohmic sweep")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."),
                        help="folder of the pictures")
    options = parser.parse_args()
    with xarray.open_dataset(options.results, engine="h5netcdf") as opened:
        data = opened.load()
    axes = [dim for dim in data.accuracy.dims if dim != "chip"]
    # Of further axes the first value is shown.
    data = data.isel({dim: 0 for dim in axes[2:]})
    for dim in axes[2:]:
        print(f"{dim} = {data[dim].item()}")
    if axes == ["point"]:
        parser.error("the points of a sampled sweep lie on no grid; choose two of its columns with "
                     "data.plot.scatter")
    if data.accuracy.isnull().all():
        parser.error("no point of this sweep is done")
    options.output.mkdir(parents=True, exist_ok=True)
    accuracy = 100 * data.accuracy
    figures = {"accuracy": draw_lines(accuracy, 100 * data.float_accuracy)}
    if len(axes) > 1:
        figures["heat_map"] = draw_heat_map(accuracy)
    for name, figure in figures.items():
        for ending in ("png", "svg"):
            file = options.output / f"{name}.{ending}"
            figure.savefig(file, dpi=150)
            print(file)


main()
