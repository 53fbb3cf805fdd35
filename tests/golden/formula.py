"""Numbers that are a formula of their names: what posekit and PyTorch fill networks with, so that no weights are kept."""
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(name, shape):
    """posekit's CounterRandom(0, FNV-1a of the name)."""
    stream = 0xCBF29CE484222325
    for byte in name.encode():
        stream = (stream ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        key = mix(mix(np.uint64(0)) + GOLDEN * np.uint64((stream + 1) % 2**64))
        index = np.arange(1, int(np.prod(shape, dtype=int)) + 1, dtype=np.uint64)
        bits = mix(key + GOLDEN * index)
    return ((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def formula(name, shape):
    """A network's tensor: weights about as large as they start, no bias 0."""
    u = uniform(name, shape)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape)
    if len(shape) >= 2:
        return (2 * u - 1) * np.sqrt(3.0 / np.prod(shape[1:]))
    if name.endswith("running_var") or name.endswith("weight"):
        return 0.5 + u
    return 0.2 * (u - 0.5)
