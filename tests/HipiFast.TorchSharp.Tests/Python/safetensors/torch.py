"""What the program in docs/torch.md uses of safetensors, in Python alone: reads float32 tensors from a file."""
import json
import struct

import torch


def load_file(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = torch.Tensor([value for (value,) in struct.iter_unpack("<f", data[begin:end])], entry["shape"])
    return tensors
