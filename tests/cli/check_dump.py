"""Checks what `ohmic mvm --dump` wrote with numpy's own arithmetic.

  check_dump.py make W.npy OUTPUTS INPUTS          writes a weight matrix as numpy does
  check_dump.py check DUMP.h5 W.npy KIND SIGMA G_MIN_US G_MAX_US

KIND says what is distributed how: lognormal_device, lognormal_weight, gaussian. Every bound is 5 standard errors (one
false alarm in 1.7 million); that of a deviation is sd sqrt((kurtosis - 1) / (4 n)).
"""
import sys

import h5py
import numpy as np


def near(what, found, expected, standard_error):
    if not abs(found - expected) <= 5 * standard_error:
        sys.exit(f"{what}: {found}, expected {expected} within {5 * standard_error}")


def check_sample(what, x, mean, sd, kurtosis):
    n = x.size
    near(what + ": mean", x.mean(), mean, sd / np.sqrt(n))
    near(what + ": deviation", x.std(ddof=1), sd, sd * np.sqrt((kurtosis - 1) / (4 * n)))


def check_lognormal(what, ratio, sigma):
    check_sample(what + ": logarithm", np.log(ratio), 0.0, sigma, 3.0)
    v = sigma**2
    mean, sd = np.exp(v / 2), np.exp(v / 2) * np.sqrt(np.exp(v) - 1)
    check_sample(what, ratio, mean, sd, np.exp(4 * v) + 2 * np.exp(3 * v) + 3 * np.exp(2 * v) - 3)


def check(dump, weights, kind, sigma, g_min, g_max):
    w = np.load(weights).astype(np.float64)
    with h5py.File(dump) as f:
        target = f["target"][...].astype(np.float64)
        programmed = f["programmed"][...].astype(np.float64)
        assert f["target"].attrs["units"] == "S", f["target"].attrs["units"]
        assert np.array_equal(f["aged"][...], f["programmed"][...]), "no device drifts yet"
    assert target.shape[1:] == (2,) + w.shape, target.shape
    u = w / np.abs(w).max()
    for polarity, sign in enumerate((1, -1)):
        expected = g_min + (g_max - g_min) * np.maximum(sign * u, 0)
        assert np.allclose(target[:, polarity], expected, rtol=1e-6, atol=0), "targets"
    if kind == "lognormal_device":
        check_lognormal("programmed / target", (programmed / target).ravel(), sigma)
    elif kind == "lognormal_weight":
        clear = np.abs(u) > 0.05  # below, the difference of two floats says little
        ratio = (programmed[:, 0] - programmed[:, 1]) / (target[:, 0] - target[:, 1])
        check_lognormal("weight read back / weight", ratio[:, clear].ravel(), sigma)
    elif kind == "gaussian":
        check_sample("programmed - target", (programmed - target).ravel(), 0.0, sigma * g_max, 3.0)
    else:
        sys.exit("unknown kind " + kind)


if sys.argv[1] == "make":
    shape = (int(sys.argv[3]), int(sys.argv[4]))
    np.save(sys.argv[2], np.random.default_rng(11).uniform(-1, 1, shape).astype(np.float32))
else:
    sigma, g_min, g_max = float(sys.argv[5]), float(sys.argv[6]) * 1e-6, float(sys.argv[7]) * 1e-6
    check(sys.argv[2], sys.argv[3], sys.argv[4], sigma, g_min, g_max)
