#!/usr/bin/python3
"""ohmic.mvm from Python against the same work in C++ (bench/lab_mvm.cpp), one thread.

Goal: 1.5 times the time or less. Usage, in a build with the module and the benchmarks:
  PYTHONPATH=build/python bench/python_mvm.py build/bench/bench_lab
"""
import json
import subprocess
import sys
import time

import numpy

import ohmic

DEVICES = {
    "ideal": {"model": "ideal"},
    "noisy": {"model": "lognormal", "sigma": 0.3, "read_noise": 0.01, "read_noise_of": "g_max"},
}


def milliseconds(work, rounds=100):
    """The least time of many rounds."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return 1e3 * best


def program_milliseconds(benchmark, name):
    """The least time of many repetitions of the C++ benchmark."""
    said = subprocess.run(
        [benchmark, f"--benchmark_filter=lab/mvm/{name}_", "--benchmark_min_time=0.05",
         "--benchmark_repetitions=20", "--benchmark_format=json"],
        check=True, capture_output=True, text=True).stdout
    runs = json.loads(said)["benchmarks"]
    return min(run["real_time"] for run in runs if run["run_type"] == "iteration")


def main():
    benchmark = sys.argv[1]
    random = numpy.random.default_rng(1)
    w = random.normal(size=(256, 1152)).astype(numpy.float32)
    x = random.normal(size=(1000, 1152)).astype(numpy.float32)
    for name, device in DEVICES.items():
        # In turns, so that a change of the machine's speed meets both.
        pairs = [(milliseconds(lambda: ohmic.mvm(w, x, {"device": device}, threads=1)),
                  program_milliseconds(benchmark, name)) for _ in range(3)]
        python, program = (min(times) for times in zip(*pairs))
        print(f"mvm {name:5}  Python {python:6.2f} ms   C++ {program:6.2f} ms   "
              f"ratio {python / program:.2f} (goal 1.5)")


main()
