"""Runs fourteen varied jobs (every command) with two programs and compares every data set and attribute that they write.

  same_results.py OLD NEW [--keep FOLDER]

For changes that must not change results. Outside /provenance all values must have the same bits; names, the `config` text and the
digests may differ only where the change says so: they are listed, and counted apart. The data are small and made here. About a
minute for both programs. Exit status 1 where a value differs.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "python"))
from idx import write_idx  # noqa: E402

DATA = """[data]
set = "set"
validation = 60
"""
LENET = """[[network.layers]]
type = "conv"
name = "conv1"
filters = 6
kernel = 3
padding = 1
bias = false
[[network.layers]]
type = "batch_norm"
[[network.layers]]
type = "relu"
[[network.layers]]
type = "max_pool"
kernel = 2
[[network.layers]]
type = "conv"
name = "conv2"
filters = 8
kernel = 3
padding = 1
[[network.layers]]
type = "relu"
[[network.layers]]
type = "flatten"
[[network.layers]]
type = "linear"
name = "fc1"
outputs = 24
[[network.layers]]
type = "relu"
[[network.layers]]
type = "linear"
name = "fc2"
outputs = 4
"""
TRAINING = """[training]
epochs = 3
batch = 128
learning_rate = 0.01
[evaluation]
images = 200
budget_images = 70
error_images = 50
calibration_images = 80
[methods.compensation]
layers = ["conv1"]
ratios = [1.0]
epochs = 1
overhead_limit = 1.0
overhead_limit_macs = 100.0
"""
LOGNORMAL = """[device]
model = "lognormal"
sigma = 0.4
read_noise = 0.02
read_noise_of = "g_max"
[array]
rows = 40
columns = 16
"""
NETWORK = DATA + LENET + TRAINING

# name: command, words behind the config, config
JOBS = {
    "run_plain": ("run", [], "chips = 4\nprogrammings_per_chip = 2\nreads_per_programming = 2\n" + NETWORK + LOGNORMAL),
    "run_correctnet": ("run", [], 'chips = 3\nmethod = "correctnet+ridge"\n' + NETWORK + LOGNORMAL),
    "run_drift": ("run", ["--dump-chip", "1"], 'chips = 2\nmethod = "affine"\n' + NETWORK + """[device]
model = "pcm_like"
[array]
mapping = "differential_two_sided"
rows = 32
[time]
at_s = 3600.0
retention_s = [20.0, 86400.0]
drift_compensation = "column"
"""),
    "run_faults": ("run", [], 'chips = 2\nmethod = "injection+write_verify"\n' + NETWORK + """[device]
model = "gaussian"
sigma = 0.05
sigma_of = "g_max"
levels = 8
read_noise = 0.01
read_noise_of = "g"
[faults]
stuck_at_g_min = 0.02
dead_columns = 0.01
adjust_pairs = true
spare_columns = 2
[array]
mapping = "offset"
bias = "row"
rows = 48
columns = 24
[dac]
bits = 6
[adc]
bits = 7
range = "least_squares"
[[override]]
name = "first"
layers = ["conv1"]
device.levels = "continuous"
adc.bits = 9
[[override]]
name = "last"
layers = ["fc2"]
analog = false
"""),
    "train": ("train", [], 'method = "injection"\n' + NETWORK + LOGNORMAL),
    "search": ("search", [], "chips = 2\n" + NETWORK + LOGNORMAL + """[search]
layers = ["conv1", "conv2"]
ratios = [0, 0.5, 1]
epochs = 1
chips = 2
images = 40
evaluations = 20
"""),
    "compare": ("compare", [], "chips = 3\n" + NETWORK + LOGNORMAL + """[compare]
methods = ["plain", "mean_correction", "correctnet", "write_verify", "injection+ridge"]
training_seeds = [1, 2]
sigmas = [0.2, 0.6]
hardware = ["config", "ideal"]
selection_chips = 2
selection_images = 40
"""),
    "compare_axes": ("compare", [], "chips = 2\n" + NETWORK + LOGNORMAL + """[compare]
methods = ["plain", "copies"]
axes = [ { key = "device", names = ["paper", "wan"], values = [ { model = "lognormal", sigma = 0.5 }, { model = "wan2022" } ] },
         { key = "adc.bits", values = [4, 8] } ]
"""),
    "sweep_grid": ("sweep", [], "chips = 3\n" + NETWORK + LOGNORMAL + """[sweep]
measure = ["error_budget", "layers"]
axes = [ { key = "device.sigma", values = [0.1, 0.4] }, { key = "adc.bits", values = [4, "ideal"] } ]
"""),
    "sweep_sample": ("sweep", [], 'chips = 6\nmethod = "injection"\n' + NETWORK + LOGNORMAL + """[sweep]
axes = [ { key = "device.sigma", from = 0.1, to = 0.6 }, { key = "array.rows", from = 16, to = 64, step = 16 } ]
sample = { kind = "latin_hypercube", points = 4 }
until = { accuracy_ci_points = 3.0, least_chips = 3 }
independent_points = true
"""),
    "mvm_dump": ("mvm", ["--weights", "W.npy", "--inputs", "X.npy", "-o", "Y.h5", "--dump", "chip.h5"], """chips = 3
[device]
model = "hermes"
[time]
at_s = 1000.0
[array]
rows = 24
columns = 16
[adc]
bits = 6
"""),
    "mvm_bare": ("mvm", ["--weights", "W.npy", "--inputs", "X.npy", "-o", "Y.npy"], """chips = 2
[device]
model = "uniform"
width = 0.1
width_of = "g_max"
[dac]
bits = 5
[adc]
bits = "ideal"
"""),
    "report": ("report", [], None),
    "info": ("info", [], None),
}


def write_inputs(folder):
    random = np.random.default_rng(1)
    (folder / "set").mkdir()
    for name, count in (("train", 700), ("t10k", 300)):
        labels = random.integers(0, 4, count, dtype=np.uint8)
        images = random.integers(0, 160, (count, 8, 8), dtype=np.uint8)
        for image, label in zip(images, labels):
            image[label] += 60
            image[:, 7 - label] += 35
        write_idx(folder / "set" / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / "set" / f"{name}-labels-idx1-ubyte", labels)
    np.save(folder / "W.npy", random.normal(size=(20, 50)).astype(np.float32))
    np.save(folder / "X.npy", random.uniform(-1, 1, (30, 50)).astype(np.float32))
    for name, (_, _, config) in JOBS.items():
        if config is not None:
            (folder / f"{name}.toml").write_text(config)


def run_all(program, folder):
    folder.mkdir(parents=True)
    write_inputs(folder)
    environment = {**os.environ, "OHMIC_CACHE": str(folder / "cache")}

    def run(*words):
        done = subprocess.run([program, *words], cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{program} {' '.join(words)}: exit status {done.returncode}\n{done.stderr}")
        return done.stdout

    for name, (command, words, config) in JOBS.items():
        if command == "report":
            for kind in ("run_plain", "run_drift", "compare", "search", "sweep_grid", "sweep_sample"):
                (folder / f"report_{kind}.txt").write_text(run("report", kind, "-o", f"{kind}.html"))
        elif command == "info":
            (folder / "info.txt").write_text(run("info") + run("info", "device.sigma") + run("info", "methods"))
        else:
            out = [] if command == "mvm" else ["-o", name]
            (folder / f"{name}.txt").write_text(run(command, f"{name}.toml", *out, "--quiet", *words))


def values_of(path):
    """Path of every data set and attribute outside /provenance: its bits."""
    found = {}

    def add(name, item):
        if name.startswith("provenance"):
            return
        for key, value in item.attrs.items():
            if key not in ("REFERENCE_LIST", "DIMENSION_LIST", "CLASS", "NAME"):
                found[f"{name}@{key}"] = str(value)
        if isinstance(item, h5py.Dataset):
            value = item[()]
            found[name] = value.tolist() if value.dtype == object else (value.dtype.str, value.shape, value.tobytes())

    with h5py.File(path) as file:
        add("", file)
        file.visititems(add)
    return {name: json.dumps(v, default=str) for name, v in found.items()}


def compare(old, new):
    """(values compared, values that differ, names and texts that differ)"""
    equal, bad, texts = 0, [], []
    results = sorted(p.relative_to(old) for p in old.rglob("*.h5") if "cache" not in p.parts and "points" not in p.parts)
    for path in results:
        if not (new / path).exists():
            bad.append(f"{path} is missing")
            continue
        a, b = values_of(old / path), values_of(new / path)
        for name in sorted(a.keys() | b.keys()):
            if name in a and name in b and a[name] == b[name]:
                equal += 1
            elif "@" in name:
                texts.append(f"{path}:/{name}")
            else:
                bad.append(f"{path}:/{name}" + ("" if name in a and name in b else " is in one alone"))
    for path in ("Y.npy",):
        if (old / path).read_bytes() == (new / path).read_bytes():
            equal += 1
        else:
            bad.append(path)
    for path in sorted([*old.glob("report_*.txt"), old / "info.txt"]):  # what others print has times in it
        if path.read_text().splitlines() != (new / path.name).read_text().splitlines():
            texts.append(path.name)
    return equal, bad, texts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for what both wrote; an old/ that stands there is used again")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = words.keep or pathlib.Path(temporary)
        if not (folder / "old").exists():
            run_all(words.old.resolve(), folder / "old")
        shutil.rmtree(folder / "new", ignore_errors=True)
        run_all(words.new.resolve(), folder / "new")
        equal, bad, texts = compare(folder / "old", folder / "new")
    for line in texts:
        print(f"text differs: {line}")
    for line in bad:
        print(f"VALUE DIFFERS: {line}")
    print(f"{equal} data sets and attributes are equal, {len(texts)} texts and {len(bad)} values differ")
    sys.exit(1 if bad else 0)


main()
