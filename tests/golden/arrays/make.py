"""Writes the arrays that array_file_test.cpp and h5_test.cpp read: numpy 1.24.2, h5py 3.7.0 (Debian 12)."""
import h5py
import numpy as np

a = np.arange(6).reshape(2, 3) - 1.5
np.save("f4.npy", a.astype("<f4"))
np.save("f8_big_endian.npy", a.astype(">f8"))
np.save("f4_fortran.npy", np.asfortranarray(a.astype("<f4")))
np.save("i2_big_endian_3d.npy", np.asfortranarray(np.arange(24).reshape(2, 3, 4)).astype(">i2", order="K"))
np.save("u1.npy", np.array([0, 7, 255], "u1"))
np.save("i8_scalar.npy", np.array(-5))
np.save("records.npy", np.zeros(2, [("x", "f4"), ("y", "i4")]))
np.save("complex.npy", np.zeros(2, "c8"))
with open("version2.npy", "wb") as f:
    np.lib.format.write_array(f, a.astype("<f8"), version=(2, 0))
weights = {"conv1.weight": np.arange(8, dtype="<f4").reshape(2, 1, 2, 2), "fc1.bias": np.array([0.5, -0.25])}
np.savez("stored.npz", **weights)
np.savez_compressed("deflated.npz", **weights)

with h5py.File("h5py.h5", "w") as f:
    f["plain/floats"] = a
    f["plain/half"] = a.astype("f2")
    f["plain/big"] = np.array([1, 2], ">i4")
    f["plain/unsigned"] = np.array([1, 2**63], "u8")
    f["words/variable"] = np.array(["a", "zwölf"], dtype=h5py.string_dtype())
    f["words/fixed"] = np.array([b"ab", b"c"])
    f["nothing"] = h5py.Empty("f8")
    f.create_dataset("packed", data=np.arange(1000), chunks=(100,), compression="gzip")
    f.attrs["name"] = "net"
    f.attrs["fixed"] = np.bytes_("tight")
    f.attrs["count"] = 3
    f.attrs["share"] = np.float32(0.5)
    f.attrs["list"] = [1, 2]

half = np.array([[1.5, -0.25, 0], [1024, -6.103515625e-05, 65504]], "f2")
np.save("f2.npy", half)
np.save("f2_big_endian.npy", half.astype(">f2"))
np.savez_compressed("half.npz", **{"fc1.weight": half})
with h5py.File("half.h5", "w", track_order=True) as file:
    file["fc1.weight"] = half
