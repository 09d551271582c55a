"""The Python module against the program's own output, numpy and the handlers of Python.

OHMIC_PROGRAM names the program; PYTHONPATH has the module.
"""
import ctypes
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import h5py
import numpy
import xarray

import ohmic

PROGRAM = os.environ["OHMIC_PROGRAM"]

CONFIG = {
    "seed": 3,
    "chips": 3,
    "programmings_per_chip": 2,
    "data": {"set": "set"},
    "network": {"layers": [
        {"type": "conv", "name": "conv1", "filters": 4, "kernel": 3, "padding": 1},
        {"type": "relu"},
        {"type": "max_pool", "kernel": 2},
        {"type": "flatten"},
        {"type": "linear", "name": "fc1", "outputs": 3},
    ]},
    "training": {"epochs": 2, "batch": 128, "learning_rate": 0.01},
    "device": {"model": "lognormal", "sigma": 0.3, "read_noise": 0.02, "read_noise_of": "g_max",
               "variation_on": "device", "programming": "write_verify", "verify_tolerance_uS": 5},
    "array": {"rows": 40, "columns": 16},
    "time": {"retention_s": [1, 100]},
    "evaluation": {"budget_images": 70, "error_images": 50, "calibration_images": 80},
}


def toml(table):
    """The config as TOML on one line per table: what the program reads."""
    def word(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {word(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(word(v) for v in value) + "]"
        return f'"{value}"' if isinstance(value, str) else repr(value)
    return "".join(f"{key} = {word(value)}\n" for key, value in table.items())


def write_set(folder, random):
    """8x8 images of three classes in IDX files: a bright row, column or corner on noise."""
    folder.mkdir()
    for kind, count in (("train", 320), ("t10k", 100)):
        labels = random.integers(0, 3, count)
        images = random.integers(0, 128, (count, 8, 8))
        for image, label in zip(images, labels):
            where = random.integers(8)
            bright = [(where, slice(None)), (slice(None), where), (slice(3), slice(3))][label]
            image[bright] += 120
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(
                f">{values.ndim}I", *values.shape)
            (folder / f"{kind}-{name}-ubyte").write_bytes(
                header + values.astype(numpy.uint8).tobytes())


class OnWorkbench(unittest.TestCase):
    """Tests in a folder with a tiny data set, a config and a cache of their own."""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="ohmic-python-")
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        for name in ("OHMIC_CACHE", "TMPDIR"):
            before = os.environ.get(name)
            os.environ[name] = str(self.folder / name)
            self.addCleanup(os.environ.pop if before is None else os.environ.__setitem__,
                            name, *([] if before is None else [before]))
        (self.folder / "TMPDIR").mkdir()
        self.random = numpy.random.default_rng(1)
        write_set(self.folder / "set", self.random)
        (self.folder / "tiny.toml").write_text(toml(CONFIG))

    def program(self, *words):
        """Runs the program; its status and the first line of an error."""
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
        line = done.stderr.split("\n")[0]
        return done.returncode, line.removeprefix("ohmic: ")

    def matrices(self, outputs=13, inputs=50, vectors=70):
        w = self.random.normal(size=(outputs, inputs)).astype(numpy.float32)
        x = self.random.normal(size=(vectors, inputs)).astype(numpy.float32)
        numpy.save("w.npy", w)
        numpy.save("x.npy", x)
        return w, x

    def assert_nothing_temporary(self):
        self.assertEqual(os.listdir("TMPDIR"), [])


class Matrices(OnWorkbench):
    def test_the_version_is_the_programs(self):
        said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
        self.assertEqual(said.stdout.split()[1], ohmic.__version__)

    def test_mvm_and_program_give_the_bits_of_the_command(self):
        w, x = self.matrices()
        settings = {"device.model": "gaussian", "device.sigma": 0.1, "device.read_noise": 0.02,
                    "device.read_noise_of": "g", "faults.stuck_at_g_min": 0.01,
                    "seed": numpy.int64(7), "adc.bits": 6, "array.rows": 20}
        words = [f"--set={key}={value}" for key, value in settings.items()]
        for chips in (1, 3):
            status, line = self.program(
                "mvm", "--weights", "w.npy", "--inputs", "x.npy", "-o", f"y{chips}.npy", "--dump",
                f"d{chips}.h5", "--chips", str(chips), *words)
            self.assertEqual((status, line), (0, ""))
            y = ohmic.mvm(w, x, settings=settings, chips=chips)
            self.assertEqual(y.dtype, numpy.float32)
            expected = numpy.load(f"y{chips}.npy")
            self.assertEqual(y.shape, expected.shape)
            self.assertEqual(y.tobytes(), expected.tobytes())
            cells = ohmic.program(w, settings=settings, chips=chips)
            with h5py.File(f"d{chips}.h5") as dump:
                names = ["target", "programmed", "aged"]
                names += ["state/" + name for name in dump["state"]]
                self.assertEqual(sorted(cells), sorted(names))
                self.assertIn("state/broken", names)
                for name in names:
                    self.assertEqual(cells[name].shape, (chips, 2, 13, 50))
                    self.assertEqual(cells[name].tobytes(), dump[name][()].tobytes(), name)

    def test_a_file_a_dict_and_settings_say_the_same(self):
        w, x = self.matrices()
        expected = ohmic.mvm(w, x, "tiny.toml", chips=1)
        self.assertEqual(ohmic.mvm(w, x, pathlib.Path("tiny.toml")).shape, (3, 70, 13))
        tables = {key: CONFIG[key] for key in ("seed", "device", "array")}
        settings = {f"{name}.{key}": value for name in ("device", "array")
                    for key, value in CONFIG[name].items()} | {"seed": 3}
        for found in (ohmic.mvm(w, x, tables), ohmic.mvm(w, x, settings=settings)):
            self.assertEqual(found.tobytes(), expected.tobytes())
        self.assertNotEqual(ohmic.mvm(w, x).tobytes(), expected.tobytes())
        for threads in (1, 2):
            self.assertEqual(ohmic.mvm(w, x, tables, threads=threads).tobytes(), expected.tobytes())

    def test_an_ideal_device_multiplies_as_numpy(self):
        ideal = {"device": {"model": "ideal"}, "dac": {"bits": "ideal"}, "adc": {"bits": "ideal"}}
        for outputs, inputs, vectors in ((13, 50, 70), (1, 1, 1), (300, 260, 3)):
            w, x = self.matrices(outputs, inputs, vectors)
            exact = x.astype(numpy.float64) @ w.astype(numpy.float64).T
            # Roundings of conductances and sums: tests/cli/mvm_test.cpp derives the bound.
            bound = 2.0**-24 * (4.1 * numpy.abs(w).max() * numpy.abs(x).sum(1)[:, None]
                                + (11 + inputs) * numpy.abs(x) @ numpy.abs(w).T)
            self.assertTrue((numpy.abs(ohmic.mvm(w, x, ideal) - exact) <= bound).all())

    def test_any_array_of_real_numbers_will_do(self):
        w, x = self.matrices()
        expected = ohmic.mvm(w, x).tobytes()
        wide = numpy.zeros((70, 100), numpy.float32)
        wide[:, ::2] = x
        unaligned = numpy.frombuffer(b"\0" + x.tobytes(), numpy.uint8)[1:].view(numpy.float32)
        for same in (x.astype(numpy.float64), numpy.asfortranarray(x), wide[:, ::2], x.tolist(),
                     x.astype(">f4"), unaligned.reshape(x.shape)):
            self.assertEqual(ohmic.mvm(w, same).tobytes(), expected)
        self.assertEqual(ohmic.mvm(w, x[0]).shape, (1, 13))
        whole = numpy.array([[1, -2], [3, 4]])
        self.assertEqual(ohmic.mvm(whole, whole).tobytes(),
                         ohmic.mvm(whole * 1.0, whole * 1.0).tobytes())
        x.flags.writeable = False
        self.assertEqual(ohmic.mvm(w, x).tobytes(), expected)


class Networks(OnWorkbench):
    def test_run_returns_what_the_file_holds_under_names(self):
        found = ohmic.run("tiny.toml", output="out")
        self.assertEqual(self.program("run", "tiny.toml", "-o", "command", "--quiet"), (0, ""))
        dimensions = {
            "chips/accuracy": ("accuracy", ("chip",)),
            "chips/accuracy_all": ("accuracy_all", ("chip", "programming", "read")),
            "chips/class_accuracy": ("class_accuracy", ("chip", "class")),
            "chips/variance/chip": ("variance_chip", ("estimate",)),
            "error_budget/programming": ("error_budget_programming", ("chip",)),
            "retention/accuracy": ("retention_accuracy", ("time", "chip")),
            "layers/signal_to_error_accumulated":
                ("signal_to_error_accumulated", ("layer", "chip")),
            "layers/cells": ("cells", ("layer",)),
            "layers/pulse_histogram": ("pulse_histogram", ("layer", "pulse_number")),
            "training/loss": ("training_loss", ("epoch",)),
            "training/s_max": ("training_s_max", ("epoch", "training_layer")),
        }
        with h5py.File("command/results.h5") as file:
            for path, (name, dims) in dimensions.items():
                self.assertEqual(found[name].dims, dims)
                self.assertEqual(found[name].values.tobytes(), file[path][()].tobytes(), name)
                self.assertEqual(found[name].attrs["units"], file[path].attrs["units"])
                self.assertEqual(found[name].attrs["long_name"], file[path].attrs["long_name"])
            self.assertEqual(float(found.float_accuracy), file["chips/float_accuracy"][0])
            self.assertEqual(found["yield"].attrs["yield_accuracy"],
                             file["chips/yield"].attrs["yield_accuracy"])
            for layer in ("conv1", "fc1"):
                share = found.tile_saturation.sel(layer=layer).dropna("tile").values
                self.assertEqual(share.tobytes(), file[f"tiles/{layer}/saturation"][()].tobytes())
            # Every data set but the provenance has a variable of its own, and every axis is one.
            made = {"chip", "programming", "read", "class", "estimate", "epoch", "tile",
                    "tile_saturation"}
            stored = []
            file.visititems(lambda path, item: stored.append(path) if isinstance(item, h5py.Dataset)
                            and not path.startswith(("provenance", "tiles"))
                            and not ("CLASS" in item.attrs and path.split("/")[-1] in made | {"single"})
                            else None)
            self.assertEqual(len(set(found.variables) - made), len(stored))
            self.assertEqual(found.attrs["config"], file.attrs["config"])
        self.assertEqual(found.attrs["seed"], 3)
        self.assertEqual(found.attrs["ohmic_version"], ohmic.__version__)
        self.assertEqual(list(found.layer.values), ["conv1", "fc1"])
        self.assertEqual(list(found.time.values), [1, 100])
        self.assertEqual(list(found.epoch.values), [1, 2])
        self.assertEqual(list(found.estimate.values), ["estimate", "low", "high"])
        self.assert_nothing_temporary()

    def test_a_dict_and_a_temporary_folder_give_the_same(self):
        expected = ohmic.run("tiny.toml")
        for config in (CONFIG, "tiny.toml"):
            found = ohmic.run(config, {"chips": 2}, threads=1, cache=False)
            self.assertEqual(found.sizes["chip"], 2)
            self.assertTrue(found.accuracy.equals(expected.accuracy[:2]))
        self.assert_nothing_temporary()
        self.assertEqual(sorted(os.listdir()), ["OHMIC_CACHE", "TMPDIR", "set", "tiny.toml"])

    def test_results_in_a_folder_stay_and_are_not_replaced_unasked(self):
        first = ohmic.run(CONFIG, output="out")
        self.assertTrue(ohmic.run(CONFIG, output="out").identical(first))
        with self.assertRaisesRegex(ohmic.ConfigError, "another config"):
            ohmic.run(CONFIG, {"seed": 4}, output="out")
        other = ohmic.run(CONFIG, {"seed": 4}, output=pathlib.Path("out"), force=True)
        self.assertEqual(other.seed, 4)

    def test_what_is_not_quiet_is_shown(self):
        script = "import ohmic; ohmic.run('tiny.toml', quiet={}, cache=False)"
        for quiet in (True, False):
            said = subprocess.run([sys.executable, "-c", script.format(quiet)],
                                  capture_output=True, text=True, check=True)
            self.assertEqual("accuracy of 3 chips" in said.stdout, not quiet)
            self.assertEqual("epoch   2 of 2" in said.stderr, not quiet)
            if quiet:
                self.assertEqual(said.stdout + said.stderr, "")


class Sweeps(OnWorkbench):
    AXES = {"axes": [
        {"key": "device.sigma", "values": [0.1, 0.5]},
        {"key": "adc.bits", "values": [4, "ideal"]},
    ]}

    def test_sweep_returns_what_the_command_wrote(self):
        config = CONFIG | {"sweep": self.AXES}
        (self.folder / "sweep.toml").write_text(toml(config))
        self.assertEqual(self.program("sweep", "sweep.toml", "-o", "command", "--quiet"), (0, ""))
        expected = xarray.load_dataset("command/results.h5", engine="h5netcdf")
        os.environ.update(SLURM_PROCID="1", SLURM_STEP_NUM_TASKS="2")  # all points all the same
        try:
            found = ohmic.sweep(config, threads=1, cache=False)
        finally:
            del os.environ["SLURM_PROCID"], os.environ["SLURM_STEP_NUM_TASKS"]
        self.assertTrue(found.identical(expected))
        self.assertEqual(found.accuracy.dims, ("device.sigma", "adc.bits", "chip"))
        self.assertEqual(list(found["device.sigma"].values), [0.1, 0.5])
        self.assertEqual(list(found["adc.bits"].values), ["4", "ideal"])
        with h5py.File("command/results.h5") as file:
            self.assertEqual(found.accuracy.values.tobytes(), file["accuracy"][()].tobytes())
        # One of its points is the run with these settings.
        run = ohmic.run(CONFIG, {"device.sigma": 0.5, "adc.bits": 4})
        point = found.accuracy.sel({"device.sigma": 0.5, "adc.bits": "4"})
        self.assertEqual(point.values.tobytes(), run.accuracy.values.tobytes())
        self.assert_nothing_temporary()

    def test_failed_points_are_warned_of(self):
        rates = {"axes": [{"key": "training.learning_rate", "values": [0.01, 1e30]}]}
        with self.assertWarnsRegex(RuntimeWarning,
                                   r"failed: point 1 \(training.learning_rate 1e\+30\): training "
                                   "diverged"):
            found = ohmic.sweep(CONFIG | {"sweep": rates})
        self.assertEqual(list(found.status.values), [0, 1])
        self.assertTrue(found.accuracy[0].notnull().all() and found.accuracy[1].isnull().all())

    def test_a_sweep_goes_on_where_it_was_interrupted(self):
        config = CONFIG | {"chips": 200, "sweep": self.AXES}
        expected = ohmic.sweep(config)
        stops = 0
        for seconds in (0.2, 0.3, 0.4):
            finger = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
            finger.start()
            try:
                ohmic.sweep(config, output="out")
                time.sleep(0.5)  # the signal comes here where the sweep is quicker
            except KeyboardInterrupt:
                stops += 1
        self.assertEqual(stops, 3)
        self.assertTrue(ohmic.sweep(config, output="out").identical(expected))


class Faults(OnWorkbench):
    def refused(self, kind, base, line, function, *arguments, **named):
        with self.assertRaises(kind) as caught:
            function(*arguments, **named)
        self.assertIsInstance(caught.exception, base)
        self.assertEqual(str(caught.exception).split("\n")[0], line)
        self.assert_nothing_temporary()

    def test_errors_carry_key_place_and_message(self):
        (self.folder / "bad.toml").write_text("seed = 1\n[device]\nmodel = \"lognormal\"\nsigma = -1\n")
        with self.assertRaises(ohmic.ConfigError) as refused:
            ohmic.run("bad.toml")
        error = refused.exception
        self.assertEqual(error.key, "device.sigma")
        self.assertRegex(error.place, r"bad\.toml:4:1$")
        self.assertRegex(error.message, r"^device\.sigma = -1 is out of range")
        with self.assertRaises(ohmic.ConfigError) as refused:
            ohmic.run("tiny.toml", {"device.sigma": "much"})
        self.assertEqual(refused.exception.key, "device.sigma")
        self.assertRegex(refused.exception.place, "^--set device.sigma=")

    def test_errors_carry_the_programs_line(self):
        w, x = self.matrices()
        (self.folder / "bad.toml").write_text("seed = 1\n[device]\nlevles = 3\n")
        numpy.save("x8.npy", x[:, :8])
        for kind, words, call in (
                (ohmic.ConfigError, ["run", "bad.toml"], lambda: ohmic.run("bad.toml")),
                (ohmic.ConfigError, ["run", "tiny.toml", "--set", "device.sigma=-1"],
                 lambda: ohmic.run("tiny.toml", {"device.sigma": -1})),
                (ohmic.ConfigError, ["run", "tiny.toml", "--set", 'device.sigma="much"'],
                 lambda: ohmic.run("tiny.toml", {"device.sigma": "much"})),
                (ohmic.FileError, ["run", "lost.toml"], lambda: ohmic.run("lost.toml")),
                (ohmic.FileError, ["run", "tiny.toml", "--set", 'network.file="lost.h5"'],
                 lambda: ohmic.run("tiny.toml", {"network.file": pathlib.Path("lost.h5")})),
                (ohmic.FileError, ["run", "tiny.toml", "-o", "tiny.toml/out"],
                 lambda: ohmic.run("tiny.toml", output="tiny.toml/out")),
                (ohmic.ConfigError, ["run", "tiny.toml", "--threads", "-1"],
                 lambda: ohmic.run("tiny.toml", threads=-1)),
                (ohmic.ConfigError,
                 ["mvm", "--weights", "w.npy", "--inputs", "x.npy", "-o", "y.npy", "--chips", "0"],
                 lambda: ohmic.mvm(w, x, chips=0)),
                (ohmic.ShapeError,
                 ["mvm", "--weights", "w.npy", "--inputs", "x.npy", "-o", "y.npy", "--set",
                  "array.row_partition=[3, 3]"],
                 lambda: ohmic.mvm(w, x, settings={"array.row_partition": (3, 3)}))):
            status, line = self.program(*words)
            self.assertEqual(status, 3 if kind is ohmic.FileError else 2, words)
            self.refused(kind, OSError if kind is ohmic.FileError else ValueError, line, call)

    def test_what_only_python_can_say_is_refused_by_name(self):
        w, x = self.matrices()
        spoilt = x.copy()
        spoilt[2, 4] = numpy.nan
        refused = self.refused
        refused(ohmic.ConfigError, ValueError,
                "config: unknown key device.levles (did you mean 'levels'?)",
                ohmic.run, CONFIG | {"device": {"model": "lognormal", "levles": 3}})
        refused(ohmic.ConfigError, ValueError, "config: device = 3 is an integer, expected a table",
                ohmic.mvm, w, x, {"device": 3})
        refused(ohmic.ShapeError, ValueError,
                "W is 13 x 50 (outputs x inputs), but X has vectors of 8 numbers",
                ohmic.mvm, w, x[:, :8])
        refused(ohmic.ShapeError, ValueError, "X: has 3 dimensions, expected a matrix",
                ohmic.mvm, w, x[None])
        refused(ohmic.ShapeError, ValueError, "W: is empty", ohmic.mvm, w[:0], x)
        refused(ohmic.ShapeError, ValueError, "W: is empty", ohmic.program, w[:0])
        refused(ohmic.ConfigError, ValueError,
                "X: row 3, column 5 is nan, expected a finite number", ohmic.mvm, w, spoilt)
        refused(TypeError, TypeError, "W has dtype complex64, expected real numbers",
                ohmic.mvm, w.astype(numpy.complex64), x)
        with self.assertRaisesRegex(ValueError, "inhomogeneous"):
            ohmic.mvm([[1, 2], [3]], x)
        with self.assertRaisesRegex(TypeError, "incompatible function arguments"):
            ohmic.mvm(w, x, chips="many")
        refused(TypeError, TypeError, "config is of type NoneType, expected a path or a dict",
                ohmic.run, None)
        refused(TypeError, TypeError, "config is of type int, expected a path", ohmic.run, 3)
        refused(TypeError, TypeError,
                "device.sigma is of type NoneType, expected bool, int, float, str, a path, a list "
                "or a dict", ohmic.mvm, w, x, settings={"device.sigma": None})
        refused(ohmic.ConfigError, ValueError, "config: seed is not a 64-bit integer",
                ohmic.mvm, w, x, {"seed": 2**64})
        huge = numpy.full((1, 2), 3e38, numpy.float32)
        refused(ohmic.ConfigError, ValueError,
                "the product is not finite: W, X, or the conductances and noise of [device] are "
                "beyond single precision", ohmic.mvm, huge, huge)
        refused(ohmic.FileError, OSError, "seed = 1: no such file", ohmic.run, "seed = 1")
        refused(ohmic.FileError, OSError, "--help: no such file", ohmic.run, "--help")


def handlers():
    """The handlers of SIGINT and SIGTERM as the kernel has them."""
    libc = ctypes.CDLL(None)
    found = []
    for number in (signal.SIGINT, signal.SIGTERM):
        action = ctypes.create_string_buffer(256)
        assert libc.sigaction(number, None, action) == 0
        found.append(ctypes.c_void_p.from_buffer(action).value)
    return found


class Interrupts(OnWorkbench):
    def interrupted(self, function, number=signal.SIGINT, seconds=0.5):
        """Calls the function; its exception after the signal, and how long after that it came."""
        sent = []

        def send():
            sent.append(time.monotonic())
            os.kill(os.getpid(), number)
        finger = threading.Timer(seconds, send)
        finger.start()
        try:
            function()
        except BaseException as stop:  # pylint: disable=broad-except
            delay = time.monotonic() - sent[0]
            return stop, delay
        finally:
            finger.cancel()
        self.fail("nothing was interrupted")

    def long_run(self):
        ohmic.run(CONFIG, {"training.epochs": 100000})

    def test_handlers_are_set_back(self):
        w, x = self.matrices()
        before = handlers()
        for call in (lambda: ohmic.mvm(w, x), lambda: ohmic.program(w), lambda: ohmic.run(CONFIG)):
            call()
            self.assertEqual(handlers(), before)
        with self.assertRaises(ohmic.ConfigError):
            ohmic.mvm(w, x, {"device": 3})
        self.assertEqual(handlers(), before)

    def test_control_c_raises_keyboard_interrupt_and_the_next_call_works(self):
        w, x = self.matrices()
        before = handlers(), signal.getsignal(signal.SIGINT)
        big = numpy.ones((1000, 1000), numpy.float32)
        slow = {"device": {"model": "lognormal", "variation_on": "device",
                           "programming": "write_verify", "verify_tolerance_uS": 0.001,
                           "verify_pulse_limit": 500}}
        for call, words in (
                (self.long_run, "the same command goes on"),
                (lambda: ohmic.mvm(big, big[:70], {"device": {"model": "lognormal"}}, chips=500),
                 "interrupted"),
                (lambda: ohmic.program(big[:300, :300], slow, chips=100), "interrupted")):
            stop, delay = self.interrupted(call)
            self.assertIs(type(stop), KeyboardInterrupt)
            self.assertIn(words, str(stop))
            self.assertLess(delay, 10)  # other tests share the cores
            self.assertEqual((handlers(), signal.getsignal(signal.SIGINT)), before)
            self.assert_nothing_temporary()
            self.assertEqual(ohmic.mvm(w, x).shape, (70, 13))
        with self.assertRaises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    def test_a_handler_of_the_users_own_is_called(self):
        class Asked(Exception):
            pass

        def ask(number, frame):
            raise Asked(number)
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.signal(number, ask)
            try:
                stop, _ = self.interrupted(self.long_run, number)
            finally:
                signal.signal(number, before)
            self.assertIs(type(stop), Asked)
            self.assertEqual(stop.args, (number,))

    def test_other_threads_run_meanwhile_and_wait_with_hdf5(self):
        ticks, read, failures = [], [], []
        with h5py.File("own.h5", "w") as file:
            file["numbers"] = numpy.arange(10)

        def tick():
            while not done.wait(0.01):
                ticks.append(time.monotonic())

        def other():
            try:
                for _ in range(20):
                    with h5py.File("own.h5") as file:
                        read.append(int(file["numbers"][()].sum()))
                    ohmic.run("tiny.toml", {"chips": 1})
            except BaseException as fault:  # pylint: disable=broad-except
                failures.append(fault)
        done = threading.Event()
        threads = [threading.Thread(target=tick)] + [
            threading.Thread(target=other) for _ in range(2)]
        for thread in threads:
            thread.start()
        w, x = self.matrices(500, 500, 500)
        begin = time.monotonic()
        ohmic.mvm(w, x, {"device": {"model": "lognormal"}}, chips=30)
        end = time.monotonic()
        for thread in threads[1:]:
            thread.join()
        done.set()
        threads[0].join()
        self.assertEqual(failures, [])
        self.assertEqual(read, [45] * 40)
        self.assertGreater(len([t for t in ticks if begin < t < end]), 5)


if __name__ == "__main__":
    unittest.main()
