"""Every group of every results file opens in xarray by itself: axes are dimension scales, described.

Usage: open_in_xarray.py OHMIC
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy
import xarray

from idx import write_idx

NETWORK = """seed = 3
chips = 3
[data]
set = "set"
validation = 40
[[network.layers]]
type = "conv"
name = "conv1"
filters = 4
kernel = 3
padding = 1
[[network.layers]]
type = "relu"
[[network.layers]]
type = "flatten"
[[network.layers]]
type = "linear"
name = "fc1"
outputs = 3
[training]
epochs = 2
batch = 128
[device]
model = "lognormal"
sigma = 0.3
read_noise = 0.02
read_noise_of = "g_max"
[time]
retention_s = [1, 100]
[evaluation]
budget_images = 70
error_images = 50
calibration_images = 80
"""
COMPARE = NETWORK + """[methods.compensation]
layers = ["conv1"]
ratios = [1.0]
epochs = 1
overhead_limit = 1.0
overhead_limit_macs = 100.0
[compare]
methods = ["plain", "correctnet", "plain+ridge"]
training_seeds = [1, 2]
selection_chips = 2
selection_images = 20
axes = [ { key = "device.sigma", values = [0.1, 0.4] }, { key = "adc.bits", values = [4, "ideal"] } ]
"""
CONFIGS = {
    "run": NETWORK.replace("chips = 3", "chips = 3\nprogrammings_per_chip = 2\nreads_per_programming = 2"),
    "train": NETWORK,
    "compare": COMPARE,
    "search": COMPARE + """[search]
layers = ["conv1"]
ratios = [0, 1]
epochs = 1
chips = 2
images = 20
evaluations = 2
""",
    "sweep": NETWORK + """[sweep]
measure = ["error_budget", "layers"]
axes = [ { key = "device.sigma", values = [0.1, 0.4] }, { key = "adc.bits", values = [4, "ideal"] } ]
""",
}


def write_images(folder):
    """A tiny set in IDX files."""
    folder.mkdir()
    random = numpy.random.default_rng(1)
    for name, count in (("train", 320), ("t10k", 100)):
        labels = random.integers(0, 3, count, dtype=numpy.uint8)
        images = random.integers(0, 100, (count, 8, 8), dtype=numpy.uint8)
        for image, label in zip(images, labels):
            image[label] += 100
        write_idx(folder / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels)


def groups_of(file):
    found = ["/"]
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Group) else None)
    return found


def check(path):
    with h5py.File(path) as file:
        groups = groups_of(file)
        for group in groups:
            with xarray.open_dataset(path, group=group, engine="h5netcdf") as opened:
                data = opened.load()
            names = [name for name, item in file[group].items() if isinstance(item, h5py.Dataset)]
            assert sorted(names) == sorted(data.variables), (path, group, names, list(data.variables))
            for name in names:
                place = f"{path}:{group}/{name}"
                assert data[name].attrs.get("units") and data[name].attrs.get("long_name"), place
                assert not any(str(d).startswith("phony") for d in data[name].dims), place
                for dimension in data[name].dims:
                    # As netCDF's, an axis may lie in a group above.
                    above = [group, *map(str, pathlib.PurePosixPath(group).parents)]
                    assert any(f"{g}/{dimension}" in file for g in above), f"{place}: {dimension} has no coordinate"
                if data[name].dtype.kind == "f":
                    assert data[name].values.tobytes() == file[group][name][()].tobytes(), place
    print(f"{path}: {len(groups)} groups")


def main(ohmic):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_images(pathlib.Path("set"))
        for command, config in CONFIGS.items():
            pathlib.Path(f"{command}.toml").write_text(config)
            subprocess.run([ohmic, command, f"{command}.toml", "-o", command, "--quiet"], check=True,
                           stdout=subprocess.DEVNULL, env=os.environ | {"OHMIC_CACHE": f"{folder}/cache"})
            check(f"{command}/results.h5")
        subprocess.run([ohmic, "run", "run.toml", "-o", "dumped", "--dump-chip", "1", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL, env=os.environ | {"OHMIC_CACHE": f"{folder}/cache"})
        check("dumped/chip_1.h5")
        with xarray.open_dataset("dumped/chip_1.h5", group="layers/conv1", engine="h5netcdf") as layer:
            assert layer.aged.dims == ("polarity", "output", "input"), layer.aged.dims
            assert layer.aged.sel(polarity=0).shape == (4, 9)
        for name, shape in (("w", (3, 5)), ("x", (7, 5))):
            numpy.save(f"{name}.npy", numpy.random.default_rng(2).normal(size=shape).astype(numpy.float32))
        for chips in "12":
            subprocess.run([ohmic, "mvm", "--weights", "w.npy", "--inputs", "x.npy", "-o", f"y{chips}.h5", "--dump",
                            f"cells{chips}.h5", "--chips", chips, "--set", "device={model='pcm_like'}", "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            check(f"y{chips}.h5")
            check(f"cells{chips}.h5")
        with xarray.open_dataset("y2.h5", engine="h5netcdf") as opened:
            assert opened.y.dims == ("chip", "vector", "output"), opened.y.dims
        with xarray.open_dataset("cells2.h5", engine="h5netcdf") as opened:
            assert opened.currents.dims == ("chip", "row_tile", "vector", "conversion"), opened.currents.dims
            assert opened.sizes["input"] == 5
        with xarray.open_dataset("cells2.h5", group="state", engine="h5netcdf") as opened:
            assert opened.data_vars and all(
                plane.dims == ("chip", "polarity", "output", "input") for plane in opened.data_vars.values())
        accuracy = xarray.open_dataset("compare/results.h5", group="methods/plain", engine="h5netcdf").accuracy
        assert accuracy.dims == ("training_seed", "hardware", "device.sigma", "adc.bits", "chip"), accuracy.dims
        assert accuracy.sel({"device.sigma": 0.4, "adc.bits": "ideal", "training_seed": 2}).size == 3


main(sys.argv[1])
