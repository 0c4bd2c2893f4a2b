#!/usr/bin/env python3
"""Writes 5 GB of transitions (24,000,000 rows, states of 20, actions of 6, goals of 2, episodes of 500) and prints the command that relabels them, which
says how much memory it took.

    /usr/bin/python3 bench/large-file.py npz|hdf5 DIR

Takes numpy, and for HDF5 h5py.
"""
import json, pathlib, sys, zipfile

import numpy as np

ROWS, STATE, ACTION, STEPS, BLOCK = 24_000_000, 20, 6, 500, 1_000_000
COLUMNS = {
    "observations": ("f4", (ROWS, STATE)), "actions": ("f4", (ROWS, ACTION)), "next_observations": ("f4", (ROWS, STATE)),
    "goal": ("f4", (ROWS, 2)), "rewards": ("f4", (ROWS,)), "timeouts": ("u1", (ROWS,)),
}


def block(name, first):
    """Rows [first, first + BLOCK) of a column."""
    kind, shape = COLUMNS[name]
    if name == "timeouts":
        return (np.arange(first, first + BLOCK) % STEPS == STEPS - 1).astype(kind)
    if name == "rewards":
        return np.full(BLOCK, -1, kind)
    random = np.random.RandomState(first)
    return random.random_sample((BLOCK,) + shape[1:]).astype(kind) * 2 - 1


def write_npz(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, (kind, shape) in COLUMNS.items():
            with archive.open(name + ".npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array_header_1_0(
                    entry, {"descr": np.dtype(kind).str, "fortran_order": False, "shape": shape})
                for first in range(0, ROWS, BLOCK):
                    entry.write(block(name, first).tobytes())


def write_hdf5(path):
    import h5py
    with h5py.File(path, "w") as file:
        for name, (kind, shape) in COLUMNS.items():
            data = file.create_dataset(name, shape=shape, dtype=kind, chunks=(4096,) + shape[1:])
            for first in range(0, ROWS, BLOCK):
                data[first:first + BLOCK] = block(name, first)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("npz", "hdf5"):
        sys.exit(__doc__)
    kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    path, family = folder / f"large.{kind}", folder / "family.json"
    {"npz": write_npz, "hdf5": write_hdf5}[kind](path)
    family.write_text(json.dumps({"kind": "goal", "achieved": [0, 1], "margin": 0.5, "reward": [-1, 0]}))
    print(f"{path.stat().st_size / 1e9:.2f} GB. Now:")
    print(f"python3 -c 'import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
          f"print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, \"MB\")' ./hipifast relabel "
          f"--transitions {path} --family {family} --strategy future --batch 65536 "
          f"--out {folder / ('relabeled.' + kind)}")


if __name__ == "__main__":
    main()
