#!/usr/bin/env python3
"""Writes the files of a large relabeling job (1,000,000 transitions, 64 discrete tasks, H = 256) and prints the command that runs it.

    python3 bench/million.py DIR
"""
import array, json, os, random, struct, sys

ROWS, STATE, ACTION, TASKS, HIDDEN = 1_000_000, 8, 2, 64, 256


def write(path, tensors):
    """tensors: name -> (dtype, shape, bytes, function that writes them)."""
    header, offset = {}, 0
    for name, (dtype, shape, size, _) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, fill in tensors.values():
            fill(f)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    rnd = random.Random(1)
    block = array.array("f", [rnd.uniform(-1, 1) for _ in range(128_000)]).tobytes()

    def uniform(count):
        def fill(f):
            left = 4 * count
            while left > 0:
                start = 4 * rnd.randrange(1000)
                f.write(block[start:start + left])
                left -= len(block[start:start + left])
        return fill

    def row(task):
        values = array.array("f", [0.0] * TASKS)
        values[task] = 1.0
        return values.tobytes()

    one_hot = [row(task) for task in range(TASKS)]

    def commanded(f):
        for _ in range(ROWS // 1000):
            f.write(b"".join(one_hot[rnd.randrange(TASKS)] for _ in range(1000)))

    def floats(*shape):
        count = 1
        for extent in shape:
            count *= extent
        return "F32", list(shape), 4 * count, uniform(count)

    def layer(inputs, outputs):
        scale = 2 / inputs ** 0.5
        values = array.array("f", [rnd.uniform(-scale, scale) for _ in range(inputs * outputs)]).tobytes()
        return "F32", [outputs, inputs], len(values), lambda f: f.write(values)

    def zeros(count):
        return "F32", [count], 4 * count, lambda f: f.write(bytes(4 * count))

    write(os.path.join(folder, "transitions.safetensors"), {
        "observation": floats(ROWS, STATE), "action": floats(ROWS, ACTION), "next_observation": floats(ROWS, STATE),
        "task": ("F32", [ROWS, TASKS], 4 * ROWS * TASKS, commanded), "reward": zeros(ROWS),
        "terminated": ("U8", [ROWS], ROWS, lambda f: f.write(bytes(ROWS)))})
    write(os.path.join(folder, "tasks.safetensors"), {"task": ("F32", [TASKS, TASKS], 4 * TASKS * TASKS, lambda f: f.write(b"".join(one_hot)))})
    agent = {"log_alpha": zeros(1)}
    for name, inputs, outputs in (("actor", STATE + TASKS, 2 * ACTION), ("critic1", STATE + ACTION + TASKS, 1),
                                  ("critic2", STATE + ACTION + TASKS, 1)):
        for number, (fan_in, fan_out) in enumerate(((inputs, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, outputs))):
            agent[f"{name}.{number}.weight"], agent[f"{name}.{number}.bias"] = layer(fan_in, fan_out), zeros(fan_out)
    write(os.path.join(folder, "agent.safetensors"), agent)
    goals = [[rnd.uniform(-1, 1), rnd.uniform(-1, 1)] for _ in range(TASKS)]
    with open(os.path.join(folder, "family.json"), "w") as f:
        json.dump({"kind": "discrete", "achieved": [0, 1], "goals": goals, "margin": 0.05}, f)
    print(f"./hipifast relabel --agent {folder}/agent.safetensors --transitions {folder}/transitions.safetensors "
          f"--tasks {folder}/tasks.safetensors --family {folder}/family.json --out {folder}/relabeled.safetensors")


main()
