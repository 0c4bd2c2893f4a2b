"""Makes the fixtures of this folder with h5py and numpy: the same transitions in the layouts that people have.

    /usr/bin/python3 make.py        (Debian: python3-h5py, python3-numpy; the files here are of 3.7.0 and 1.24.2)

The Parquet file is made by make-parquet.cs from twin.safetensors.
"""
import json
import os
import struct

import h5py
import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
random = np.random.RandomState(7)
STEPS = [7, 12, 5, 9]


def grid(*shape):
    """Numbers that any type holds, 16-bit floats as well."""
    return random.randint(-64, 65, shape) / 64


episodes = []
for steps in STEPS:
    action = grid(steps, 2)
    goal = grid(2)
    state = np.zeros((steps + 1, 4))
    state[0] = grid(4)
    for t in range(steps):
        state[t + 1, :2] = state[t, :2] + action[t] / 16
        state[t + 1, 2:] = action[t]
    near = np.sqrt(((state[:-1, :2] - goal) ** 2).sum(1)) <= 0.5
    episodes.append(dict(state=state, action=action, goal=goal, reward=near - 1.0, terminated=near))


def save(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        kind = {"f": "F", "i": "I", "u": "U"}[array.dtype.kind] + str(8 * array.dtype.itemsize)
        header[name] = dict(dtype=kind, shape=array.shape, data_offsets=(len(data), len(data) + len(raw)))
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def steps_of(make):
    return np.concatenate([make(e, np.arange(len(e["action"]))) for e in episodes])


def rows_of(make):
    """A row for each state: the last has an action that means nothing."""
    return np.concatenate([make(e) for e in episodes])


number = np.concatenate([np.full(len(e["action"]), i) for i, e in enumerate(episodes)])
save("twin.safetensors", dict(
    observation=steps_of(lambda e, t: e["state"][:-1]).astype("f4"),
    action=steps_of(lambda e, t: e["action"]).astype("f4"),
    next_observation=steps_of(lambda e, t: e["state"][1:]).astype("f4"),
    task=steps_of(lambda e, t: np.tile(e["goal"], (len(t), 1))).astype("f4"),
    reward=steps_of(lambda e, t: e["reward"]).astype("f4"),
    terminated=steps_of(lambda e, t: e["terminated"]).astype("u1"),
    episode=number.astype("i8")))
np.savez("tasks.npz", task=grid(6, 2).astype("f4"))

# Minari: a group for each episode, one state more than steps, states in a dictionary, double precision.
with h5py.File("minari.hdf5", "w") as file:
    file.attrs["total_episodes"] = len(episodes)
    file.attrs["total_steps"] = sum(STEPS)
    file.attrs["dataset_id"] = "fixture/goals-v0"
    for i, e in enumerate(episodes):
        group = file.create_group(f"episode_{i}")
        group.attrs["id"] = i
        group.attrs["total_steps"] = len(e["action"])
        group.create_dataset("actions", data=e["action"])
        states = group.create_group("observations")
        states.create_dataset("observation", data=e["state"], compression="gzip", chunks=(4, 4))
        states.create_dataset("desired_goal", data=np.tile(e["goal"], (len(e["state"]), 1)))
        group.create_dataset("rewards", data=e["reward"])
        group.create_dataset("terminations", data=e["terminated"])
        group.create_dataset("truncations", data=np.arange(len(e["action"])) == len(e["action"]) - 1)
        group.create_dataset("infos/success", data=e["terminated"])

# D4RL: flat, time-outs say where episodes end, no next states.
last = rows_of(lambda e: np.arange(len(e["state"])) == len(e["action"]))
with h5py.File("d4rl.hdf5", "w") as file:
    file["observations"] = rows_of(lambda e: e["state"]).astype("f4")
    file["actions"] = rows_of(lambda e: np.vstack([e["action"], [[9, 9]]])).astype("f4")
    file["rewards"] = rows_of(lambda e: np.append(e["reward"], 0)).astype("f4")
    file["terminals"] = rows_of(lambda e: np.append(e["terminated"], False) & False)
    file["timeouts"] = last
    file["infos/goal"] = rows_of(lambda e: np.tile(e["goal"], (len(e["state"]), 1))).astype("f4")
    file["metadata/algorithm"] = "none"

# OGBench: compressed, neither tasks nor rewards; as it is stored, and compact with rows called invalid.
flat = dict(
    observations=rows_of(lambda e: e["state"]).astype("f4"),
    actions=rows_of(lambda e: np.vstack([e["action"], [[0, 0]]])).astype("f4"),
    qpos=rows_of(lambda e: e["state"][:, :2]).astype("f8"))
np.savez_compressed("ogbench.npz", terminals=last.astype("f4"), **flat)
np.savez("ogbench-compact.npz", valids=(1 - last).astype("f4"),
         terminals=np.minimum(last + np.append(last[1:], 1), 1).astype("f4"), **flat)

# Half precision, integers, [B, 1] for [B].
twin = dict(steps=sum(STEPS))
np.savez("small-types.npz", obs=steps_of(lambda e, t: e["state"][:-1]).astype("f8"),
         act=steps_of(lambda e, t: e["action"]).astype("f2"), next_obs=steps_of(lambda e, t: e["state"][1:]).astype("f8"),
         goal=steps_of(lambda e, t: np.tile(e["goal"], (len(t), 1))).astype("f2"),
         reward=steps_of(lambda e, t: e["reward"]).astype("i2")[:, None],
         done=steps_of(lambda e, t: e["terminated"])[:, None], episode_id=number.astype("u2"))
