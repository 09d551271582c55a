"""LeCun's IDX format, which small data sets of scripts are written in."""


def write_idx(path, values):
    """A numpy array of bytes: a header, then the bytes, row-major."""
    head = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    path.write_bytes(head + values.tobytes())
