"""What the program in docs/torch.md uses of torch, in Python alone and in double precision."""
import contextlib
import math
import types


class Tensor:
    """Numbers in row-major order, and a shape."""

    def __init__(self, values, shape):
        assert len(values) == math.prod(shape), (len(values), shape)
        self.values, self.shape = values, tuple(shape)

    def rows(self):
        assert len(self.shape) == 2, self.shape
        width = self.shape[1]
        return [self.values[at:at + width] for at in range(0, len(self.values), width)]

    def chunk(self, chunks, dim):
        assert dim == 1 and self.shape[1] % chunks == 0, self.shape
        width = self.shape[1] // chunks
        return [_stack([row[i * width:(i + 1) * width] for row in self.rows()]) for i in range(chunks)]

    def flatten(self):
        return Tensor(self.values, (len(self.values),))

    def tolist(self):
        assert len(self.shape) == 1, self.shape
        return list(self.values)


def _stack(rows):
    return Tensor([value for row in rows for value in row], (len(rows), len(rows[0])))


def cat(tensors, dim):
    assert dim == 1
    return _stack([sum(rows, []) for rows in zip(*(tensor.rows() for tensor in tensors))])


def tanh(tensor):
    return Tensor([math.tanh(value) for value in tensor.values], tensor.shape)


def no_grad():
    return contextlib.nullcontext()


class Linear:
    """x W^T + b, W [outputs, inputs]."""

    def __init__(self, inputs, outputs):
        self.shapes = {"weight": (outputs, inputs), "bias": (outputs,)}

    def __call__(self, x):
        weight, bias = self.state["weight"].rows(), self.state["bias"].values
        return _stack([[b + math.fsum(w * v for w, v in zip(row, values)) for row, b in zip(weight, bias)]
                       for values in x.rows()])


class ReLU:
    shapes = {}

    def __call__(self, x):
        return Tensor([max(0.0, value) for value in x.values], x.shape)


class Sequential:
    def __init__(self, *layers):
        self.layers = layers

    def load_state_dict(self, state):
        wanted = {f"{i}.{part}": shape for i, layer in enumerate(self.layers) for part, shape in layer.shapes.items()}
        assert wanted == {name: tensor.shape for name, tensor in state.items()}, "the shapes do not fit"
        for i, layer in enumerate(self.layers):
            layer.state = {part: state[f"{i}.{part}"] for part in layer.shapes}

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


nn = types.SimpleNamespace(Linear=Linear, ReLU=ReLU, Sequential=Sequential)
