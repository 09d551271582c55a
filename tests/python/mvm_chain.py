"""`ohmic mvm` against a plain numpy model of the whole chain: mapping, scales, tiles, levels, faults with dead lines, DACs,
currents, ADCs and digital sums, for random configurations.

  mvm_chain.py OHMIC [CONFIGURATIONS]

Everything is computed anew in double from W and X, random faults included (Philox and its address layout, docs/determinism.md).
Conductances, codes, currents and products must agree within the rounding of single precision; a code may differ by one step
where the signal lies on the edge between two (a tie within that rounding), and what follows is then judged by the code that was taken.
"""
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

FLOAT = 2.0**-24  # unit roundoff of single precision


# --- random numbers -----------------------------------------------------------------------------------------------------------

def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def uniforms(purpose, fields, seed, count):
    """`fields`: (value, bits), the block number's own bits first; element i is word i & 3 of block i >> 2."""
    packed, position = 0, 0
    for value, bits in fields:
        packed |= value << position
        position += bits
    packed |= purpose << 122
    out = []
    for block in range((count + 3) // 4):
        words = [(packed >> (32 * w)) & 0xFFFFFFFF for w in range(4)]
        words[0] += block
        out += philox(words, (seed & 0xFFFFFFFF, seed >> 32))
    return (np.array(out[:count]) + 0.5) / 2.0**32


def fault_uniforms(seed, chip, polarity, pulse, row, count):
    return uniforms(5, [(0, 20), (0, 10), (0, 2), (row, 20), (0, 4), (polarity, 1), (pulse, 13), (chip, 20), (0, 20)], seed, count)


def line_uniforms(seed, chip, tile, polarity, is_bit_line, count):
    return uniforms(23, [(0, 18), (0, 10), (0, 4), (tile, 24), (0, 4), (polarity, 1), (is_bit_line, 1), (0, 4), (chip, 20)], seed, count)


# --- the chain ----------------------------------------------------------------------------------------------------------------

def partition(count, most, rule):
    if isinstance(rule, list):
        sizes = rule
    else:
        n = -(-count // most)
        sizes = [min(most, count - t * most) if rule == "full" else count // n + (t < count % n) for t in range(n)]
    edges = np.concatenate([[0], np.cumsum(sizes)])
    assert edges[-1] == count
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:])]


def full_scale_weight(w, percentile):
    return np.abs(w).max() if percentile == 1 else np.quantile(np.abs(w.astype(np.float64)), percentile)


class Converter:
    """Codes times `step` are what it makes of a signal; ideal without levels."""

    def __init__(self, low=0.0, high=0.0, levels=0):
        self.low, self.high, self.levels = low, high, levels
        self.step = (high - low) / (levels - 1) if levels else 1.0

    def check(self, what, signal, codes, error):
        """`codes` are those of `signal`, known to `error`, but for ties; signals as converted."""
        if not self.levels:
            return codes
        position = (np.clip(signal, self.low, self.high) - self.low) / self.step
        wanted = np.rint(position) * self.step + self.low
        got = codes * self.step
        is_tie = np.abs(position - np.floor(position) - 0.5) * self.step <= error
        off = np.abs(got - wanted)
        limit = np.where(is_tie, self.step * 1.001, 1e-5 * self.step + 4 * FLOAT * np.abs(wanted))
        assert (off <= limit).all(), f"{what}: off by {(off / self.step).max()} steps"
        return got


def converter_of(bits, is_signed, zero, limit):
    if bits == "ideal":
        return Converter()
    if not is_signed:
        return Converter(0.0, limit, 2**bits)
    return Converter(-limit, limit, 2**bits - (1 if zero else 0))


def targets(u, c):
    """Conductances [S] that stand for u: (positive, negative) or (one,); unit and centre of the mapping."""
    low, high = c["g_min"], c["g_max"]
    span, levels = high - low, c["levels"]
    if c["mapping"] == "differential":
        unit, centre = span, 0.0
        pair = [low + unit * np.maximum(u, 0), low + unit * np.maximum(-u, 0)]
    elif c["mapping"] == "differential_two_sided":
        unit, centre = span, 0.0
        pair = [low + unit * (1 + u) / 2, low + unit * (1 - u) / 2]
    else:
        used = span * (levels - 2) / (levels - 1) if levels else span
        unit, centre = used / 2, high - used / 2
        pair = [centre + unit * u]
    if levels:
        # Ties count at single precision, so that both devices of a pair round alike.
        position = [((np.clip(g, low, high) - low) * (levels - 1) / span).astype(np.float32) for g in pair]
        pair = [np.rint(p).astype(np.float64) * span / (levels - 1) + low for p in position]
    return pair, unit, centre


def break_cells(pair, c, chip, tiles):
    out = [g.copy() for g in pair]
    f = c["faults"]
    total = f["stuck_at_g_min"] + f["stuck_at_g_max"] + f["stuck_at_given"]
    for p, g in enumerate(out):
        for row in range(g.shape[0]):
            stuck = fault_uniforms(c["seed"], chip, p, 0, row, g.shape[1]) < total
            kind = fault_uniforms(c["seed"], chip, p, 1, row, g.shape[1]) * total
            value = np.where(kind < f["stuck_at_g_min"], c["g_min"],
                             np.where(kind < f["stuck_at_g_min"] + f["stuck_at_g_max"], c["g_max"], f["given"]))
            g[row] = np.where(stuck, value, g[row])
        for t, (rows, columns) in enumerate(tiles):
            n_in, n_out = rows.stop - rows.start, columns.stop - columns.start
            word = line_uniforms(c["seed"], chip, t, 0, 0, n_in) < f["dead_rows"]
            bit = line_uniforms(c["seed"], chip, t, p, 1, n_out) < f["dead_columns"]
            block = g[columns, rows]
            block[:, word] = 0
            block[bit, :] = 0
    return out


def judge(c, w, x, y, dump):
    n_out, n_in = w.shape
    single = c["mapping"] == "offset"
    digital = not single and c["subtraction"] == "digital"
    one_sided = single or digital
    row_tiles = partition(n_in, c["rows"], c["row_partition"])
    column_tiles = partition(n_out, c["columns"] // (1 if single else 2), "full")
    tiles = [(r, o) for r in row_tiles for o in column_tiles]

    scale = np.zeros((len(row_tiles), n_out))
    for t, r in enumerate(row_tiles):
        for o in column_tiles:
            if c["scale"] == "layer":
                scale[t, o] = full_scale_weight(w, c["scale_percentile"])
            elif c["scale"] == "tile":
                scale[t, o] = full_scale_weight(w[o, r], c["scale_percentile"])
            else:
                scale[t, o] = [full_scale_weight(w[k, r], c["scale_percentile"]) for k in range(o.start, o.stop)]
    u = np.zeros(w.shape)
    for t, r in enumerate(row_tiles):
        u[:, r] = np.clip(np.divide(w[:, r], scale[t][:, None], where=scale[t][:, None] > 0, out=np.zeros(w[:, r].shape)), -1, 1)
    u = u.astype(np.float32).astype(np.float64)
    wanted, unit, centre = targets(u, c)

    limit = c["dac_limit"] if c["dac_range"] == "fixed" else float(np.abs(x).max())
    limit = limit if limit > 0 else 1.0
    dac_signed = c["dac_sign"] == "signed" or (c["dac_sign"] == "auto" and (x < 0).any())
    dac = converter_of(c["dac_bits"], dac_signed, c["dac_zero"], limit)
    driven = dac.check("DAC", x.astype(np.float64), dump["dac_codes"], 8 * FLOAT * limit)  # in input units
    volts = driven / limit * c["read_voltage"]

    # Currents [A] of one tile's conversions under all vectors.
    def currents(pair, r, o):
        v = volts[:, r]
        each = [v @ g[o, r].T for g in pair]
        if single:
            return each[0]
        if digital:
            return np.stack(each, axis=-1).reshape(len(v), -1)
        return each[0] - each[1]

    in_single = [g.astype(np.float32).astype(np.float64) for g in wanted]
    conversions = 2 * n_out if digital else n_out
    is_signed = dac_signed or not one_sided
    seen = {t: np.abs(currents(in_single, *tile)).max() for t, tile in enumerate(tiles)}
    factor = 2 if digital else 1
    for chip in range(c["chips"]):
        assert np.allclose(dump["target"][chip], np.stack(in_single), rtol=4 * FLOAT, atol=0), "targets"
        aged = break_cells(in_single, c, chip, tiles)
        assert np.allclose(dump["aged"][chip], np.stack(aged), rtol=4 * FLOAT, atol=0), "conductances"
        total = np.zeros((len(x), n_out))
        bound = np.zeros((len(x), n_out))
        for t, (r, o) in enumerate(tiles):
            n_rows = r.stop - r.start
            where = slice(factor * o.start, factor * o.stop)
            row_tile = t // len(column_tiles)
            exact = currents(aged, r, o)
            # Each stored number and each of the fused products is off by a rounding of the largest terms.
            error = (n_rows + 8) * 4 * FLOAT * np.abs(volts[:, r]).sum(axis=1, keepdims=True) * max(
                c["g_max"], c["faults"]["given"] if c["faults"]["stuck_at_given"] else 0.0) + 1e-30
            found = dump["currents"][chip, row_tile][:, where]
            assert (np.abs(found - exact) <= error).all(), f"currents: {np.abs(found - exact).max()} A"
            if c["adc_bits"] == "ideal":
                converted, tolerance = exact, error
            else:
                if c["adc_range"] == "fixed":
                    zero = c["adc_zero"] and c["adc_low"] == -c["adc_high"]
                    adc = Converter(c["adc_low"], c["adc_high"], 2**c["adc_bits"] - (1 if zero else 0))
                else:
                    top = n_rows * (c["g_max"] if one_sided else c["g_max"] - c["g_min"]) * c["read_voltage"]
                    if c["adc_range"] == "percentile":  # of 1: the largest current
                        largest = seen[t] if c["adc_per_tile"] else max(seen.values())
                        top = largest if largest > 0 else top
                    adc = converter_of(c["adc_bits"], is_signed, c["adc_zero"], top)
                codes = dump["adc_codes"][chip, row_tile][:, where]
                converted = adc.check("ADC", exact, codes, error + 1e-5 * adc.step)
                tolerance = 8 * FLOAT * np.abs(converted) + 1e-30
            gain = scale[row_tile, o] * limit / c["read_voltage"] / unit if unit else np.zeros(o.stop - o.start)
            if digital:
                signal = converted[:, 0::2] - converted[:, 1::2]
                spread = np.broadcast_to(tolerance, converted.shape)
                spread = spread[:, 0::2] + spread[:, 1::2]
            elif single:
                # The share of the offset is known digitally; it cancels, so roundings of both count.
                offset = centre * volts[:, r].sum(axis=1, keepdims=True)
                signal = converted - offset
                spread = tolerance + error + 16 * FLOAT * np.abs(offset)
            else:
                signal, spread = converted, tolerance
            total[:, o] += signal * gain
            bound[:, o] += (spread + 16 * FLOAT * np.abs(signal)) * gain
        got = y[chip] if c["chips"] > 1 else y
        off = np.abs(got - total)
        assert (off <= bound + 8 * FLOAT * np.abs(total) + 1e-30).all(), f"product: {off.max()} where {bound.max()} is allowed"


# --- random configurations ----------------------------------------------------------------------------------------------------

def draw(rng, i):
    pick = lambda *choices: choices[rng.integers(len(choices))]
    n_out, n_in = int(rng.integers(1, 41)), int(rng.integers(1, 151))
    c = {
        "seed": int(rng.integers(0, 2**62)), "chips": pick(1, 1, 2),
        "mapping": pick("differential", "differential_two_sided", "offset"), "subtraction": pick("analog", "digital"),
        "scale": pick("layer", "tile", "column"), "scale_percentile": pick(1.0, 1.0, 0.9, 0.75),
        "rows": int(rng.integers(5, 140)), "columns": int(rng.integers(2, 60)), "row_partition": pick("equal", "full", "list"),
        "levels": pick(None, None, 3, 4, 16, 33), "g_min": pick(0.0, 0.1e-6, 5e-6), "g_max": pick(40e-6, 100e-6),
        "read_voltage": pick(0.2, 0.5),
        "dac_bits": pick("ideal", "ideal", 2, 4, 8, 10), "dac_range": pick("max", "fixed", "percentile"), "dac_limit": 1.5,
        "dac_sign": pick("auto", "auto", "signed", "unsigned"), "dac_zero": pick(True, True, False),
        "adc_bits": pick("ideal", 4, 6, 8, 10), "adc_range": pick("full_scale", "fixed", "percentile"), "adc_per_tile": pick(True, False),
        "adc_zero": pick(True, True, False), "adc_low": pick(-20e-6, 0.0, -5e-6), "adc_high": pick(20e-6, 60e-6),
        "faults": {k: 0.0 for k in ("stuck_at_g_min", "stuck_at_g_max", "stuck_at_given", "dead_rows", "dead_columns")} | {"given": 3e-4},
    }
    if i % 3:
        c["faults"] |= {"stuck_at_g_min": pick(0.0, 0.05), "stuck_at_g_max": pick(0.0, 0.03), "stuck_at_given": pick(0.0, 0.02),
                        "dead_rows": pick(0.0, 0.1), "dead_columns": pick(0.05, 0.1)}
    if c["mapping"] != "offset" and c["columns"] < 2:
        c["columns"] = 2
    if c["row_partition"] == "list":
        sizes, left = [], n_in
        while left:
            sizes.append(int(min(left, rng.integers(1, c["rows"] + 1))))
            left -= sizes[-1]
        c["row_partition"] = sizes
    w = rng.normal(size=(n_out, n_in)).astype(np.float32)
    x = rng.normal(size=(int(rng.integers(1, 90)), n_in)).astype(np.float32)
    if c["dac_sign"] == "unsigned" or rng.random() < 0.5:
        x = np.abs(x)
    return c, w, x


def toml(c):
    word = lambda v: f'"{v}"' if isinstance(v, str) else str(v).lower() if isinstance(v, bool) else repr(v)
    f = c["faults"]
    return f"""seed = {c["seed"]}
chips = {c["chips"]}
[device]
model = "ideal"
g_min_uS = {c["g_min"] * 1e6!r}
g_max_uS = {c["g_max"] * 1e6!r}
levels = {c["levels"] or '"continuous"'}
[faults]
stuck_at_g_min = {f["stuck_at_g_min"]}
stuck_at_g_max = {f["stuck_at_g_max"]}
stuck_at_given = {f["stuck_at_given"]}
stuck_uS = {f["given"] * 1e6!r}
dead_rows = {f["dead_rows"]}
dead_columns = {f["dead_columns"]}
[array]
rows = {c["rows"]}
columns = {c["columns"]}
mapping = "{c["mapping"]}"
subtraction = "{c["subtraction"]}"
scale = "{c["scale"]}"
scale_percentile = {c["scale_percentile"]}
row_partition = {word(c["row_partition"])}
read_voltage_v = {c["read_voltage"]}
[dac]
bits = {word(c["dac_bits"])}
range = "{c["dac_range"]}"
percentile = 1.0
limit = {c["dac_limit"]}
sign = "{c["dac_sign"]}"
zero = {word(c["dac_zero"])}
[adc]
bits = {word(c["adc_bits"])}
range = "{c["adc_range"]}"
percentile = 1.0
per_tile = {word(c["adc_per_tile"])}
low_uA = {c["adc_low"] * 1e6!r}
high_uA = {c["adc_high"] * 1e6!r}
zero = {word(c["adc_zero"])}
"""


def main():
    ohmic = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rng = np.random.default_rng(19)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for i in range(count):
            c, w, x = draw(rng, i)
            np.save(folder / "w.npy", w)
            np.save(folder / "x.npy", x)
            (folder / "c.toml").write_text(toml(c))
            subprocess.run([ohmic, "mvm", folder / "c.toml", "--weights", folder / "w.npy", "--inputs", folder / "x.npy", "-o",
                            folder / "y.npy", "--dump", folder / "d.h5", "--force", "--quiet"], check=True, stdout=subprocess.DEVNULL)
            with h5py.File(folder / "d.h5") as f:
                dump = {k: f[k][...].astype(np.float64) for k in ("target", "aged", "dac_codes", "currents", "adc_codes")}
            try:
                judge(c, w.astype(np.float64), x, np.load(folder / "y.npy").astype(np.float64), dump)
            except AssertionError as error:
                sys.exit(f"configuration {i}: {error}\n{toml(c)}")
    print(f"{count} configurations agree")


if __name__ == "__main__":
    main()
