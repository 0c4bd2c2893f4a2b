"""Makes the fixtures beside this file: state_dicts as Stable-Baselines3 and CleanRL name them, and PyTorch's Q~.

    /usr/bin/python3 make_fixtures.py          # needs numpy and torch 1.13 or later

NAME.safetensors is a state_dict. NAME.expected.safetensors holds transitions, candidate tasks and what PyTorch makes of
every pair: critic [B, K] (the smaller of the critics), and soft_critic [B, K] where there is an actor.
"""
import json
import os
import struct

import numpy as np
import torch
from torch import nn

S, A, P, B, K = 5, 2, 3, 7, 6
HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, tensors):
    """Writes a safetensors file: the header's length, the header, the bytes."""
    header, blob = {}, b""
    for key, tensor in tensors.items():
        array = np.ascontiguousarray(tensor.detach().cpu().numpy().astype(np.float32))
        ends = [len(blob), len(blob) + array.nbytes]
        header[key] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": ends}
        blob += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(HERE, name + ".safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + blob)


def data(seed, action=A):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(B, S, generator=generator), torch.rand(B, action, generator=generator) * 1.8 - 0.9,
            torch.randn(K, P, generator=generator))


def pairs(observation, action, task):
    """Every transition with every task: [B K, .]."""
    return (observation.repeat_interleave(K, 0), action.repeat_interleave(K, 0), task.repeat(B, 1))


def spread(modules):
    """Weights large enough for Q~ to spread over nats, and normalisations that do something."""
    for module in modules:
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=1.6 / layer.in_features ** 0.5)
                if layer.bias is not None:
                    nn.init.normal_(layer.bias, std=0.3)
            elif isinstance(layer, nn.LayerNorm):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.normal_(layer.bias, std=0.3)


def mlp(inputs, widths, outputs, activation, norm=False):
    """As SB3's create_mlp, with a layer normalisation before each activation where asked for."""
    layers = []
    for width in widths:
        layers += [nn.Linear(inputs, width)] + ([nn.LayerNorm(width)] if norm else []) + [activation()]
        inputs = width
    return nn.Sequential(*layers, *([nn.Linear(inputs, outputs)] if outputs > 0 else []))


class Sb3Critic(nn.Module):
    def __init__(self, inputs, widths, activation, norm, count):
        super().__init__()
        for i in range(count):
            self.add_module(f"qf{i}", mlp(inputs, widths, 1, activation, norm))

    def forward(self, x):
        return torch.cat([q(x) for q in self.children()], 1)


class Sb3Actor(nn.Module):
    def __init__(self, inputs, widths, activation, norm):
        super().__init__()
        self.latent_pi = mlp(inputs, widths, -1, activation, norm)
        self.mu, self.log_std = nn.Linear(widths[-1], A), nn.Linear(widths[-1], A)

    def forward(self, x):
        latent = self.latent_pi(x)
        return self.mu(latent), torch.clamp(self.log_std(latent), -20, 2)


class Sb3Sac(nn.Module):
    def __init__(self, inputs, widths, activation, norm=False, count=2):
        super().__init__()
        self.actor = Sb3Actor(inputs, widths, activation, norm)
        self.critic = Sb3Critic(inputs + A, widths, activation, norm, count)
        self.critic_target = Sb3Critic(inputs + A, widths, activation, norm, count)


def squashed_log_probability(mean, log_std, squashed):
    x = torch.atanh(squashed)
    return (torch.distributions.Normal(mean, log_std.exp()).log_prob(x) - torch.log(1 - squashed ** 2)).sum(1)


def sb3(name, seed, widths, activation, norm=False, count=2, her=False):
    torch.manual_seed(seed)
    policy = Sb3Sac(S + P + (2 if her else 0), widths, activation, norm, count)
    spread([policy.actor, policy.critic, policy.critic_target])
    observation, action, task = data(seed + 100)
    o, a, psi = pairs(observation, action, task)
    # HerReplayBuffer's dict: achieved goal (here entries 0 and 1 of the observation), desired goal, observation.
    x = torch.cat([o[:, :2], psi, o], 1) if her else torch.cat([o, psi], 1)
    critic = policy.critic(torch.cat([x, a], 1)).min(1).values
    alpha = torch.tensor([-1.2])
    soft = critic - alpha.exp() * squashed_log_probability(*policy.actor(x), a)
    save(name, {**policy.state_dict(), "log_ent_coef": alpha})
    save(name + ".expected", {"observation": observation, "action": action, "task": task,
                              "critic": critic.reshape(B, K), "soft_critic": soft.reshape(B, K)})


def discrete(name, seed, prefix, target, widths, activation, norm=False, actions=4):
    torch.manual_seed(seed)
    network, other = (mlp(S + P, widths, actions, activation, norm) for _ in range(2))
    spread([network, other])
    observation, _, task = data(seed + 100)
    action = torch.randint(0, actions, (B, 1), generator=torch.Generator().manual_seed(seed)).float()
    o, a, psi = pairs(observation, action, task)
    q = network(torch.cat([o, psi], 1)).gather(1, a.long())
    state = {prefix + key: value for key, value in network.state_dict().items()}
    if target:
        state.update({target + key: value for key, value in other.state_dict().items()})
    save(name, state)
    save(name + ".expected", {"observation": observation, "action": action, "task": task, "critic": q.reshape(B, K)})


class CleanRlCritic(nn.Module):
    def __init__(self, widths, norm):
        super().__init__()
        inputs = S + P + A
        self.depth, self.norm = len(widths), norm
        for i, width in enumerate(widths + [1]):
            self.add_module(f"fc{i + 1}", nn.Linear(inputs, width))
            if norm and i < self.depth:
                self.add_module(f"ln{i + 1}", nn.LayerNorm(width))
            inputs = width

    def forward(self, x, a):
        x = torch.cat([x, a], 1)
        for i in range(1, self.depth + 1):
            x = getattr(self, f"fc{i}")(x)
            x = torch.relu(getattr(self, f"ln{i}")(x) if self.norm else x)
        return getattr(self, f"fc{self.depth + 1}")(x)


class CleanRlActor(nn.Module):
    def __init__(self, widths):
        super().__init__()
        inputs = S + P
        self.depth = len(widths)
        for i, width in enumerate(widths):
            self.add_module(f"fc{i + 1}", nn.Linear(inputs, width))
            inputs = width
        self.fc_mean, self.fc_logstd = nn.Linear(inputs, A), nn.Linear(inputs, A)
        self.register_buffer("action_scale", torch.tensor([2.0, 0.5]))
        self.register_buffer("action_bias", torch.tensor([1.0, 0.0]))

    def forward(self, x):
        for i in range(1, self.depth + 1):
            x = torch.relu(getattr(self, f"fc{i}")(x))
        return self.fc_mean(x), -5 + 0.5 * (2 - -5) * (torch.tanh(self.fc_logstd(x)) + 1)


def cleanrl(name, seed, widths, norm):
    torch.manual_seed(seed)
    actor, qf1, qf2 = CleanRlActor(widths), CleanRlCritic(widths, norm), CleanRlCritic(widths, norm)
    target = CleanRlCritic(widths, norm)
    spread([actor, qf1, qf2, target])
    observation, squashed, task = data(seed + 100)
    action = squashed * actor.action_scale + actor.action_bias
    o, a, psi = pairs(observation, action, task)
    x = torch.cat([o, psi], 1)
    critic = torch.min(qf1(x, a), qf2(x, a))[:, 0]
    alpha = torch.tensor([-1.5])
    log_probability = squashed_log_probability(*actor(x), squashed.repeat_interleave(K, 0))
    soft = critic - alpha.exp() * (log_probability - torch.log(actor.action_scale).sum())
    state = {"log_alpha": alpha}
    for prefix, module in (("actor.", actor), ("qf1.", qf1), ("qf2.", qf2), ("qf1_target.", target)):
        state.update({prefix + key: value for key, value in module.state_dict().items()})
    save(name, state)
    save(name + ".expected", {"observation": observation, "action": action, "task": task,
                              "critic": critic.reshape(B, K), "soft_critic": soft.reshape(B, K)})


class Described(nn.Module):
    """Names of nobody's: a task encoder, ELU, SiLU, GELU, a normalisation after an activation."""

    def __init__(self):
        super().__init__()
        self.phi1, self.phi2 = nn.Linear(P, 9), nn.Linear(9, 4)
        self.first, self.second, self.third = nn.Linear(A + S + 4, 21), nn.Linear(21, 18), nn.Linear(18, 11)
        self.norm, self.out = nn.LayerNorm(18, eps=1e-3), nn.Linear(11, 1, bias=False)

    def forward(self, o, a, psi):
        phi = torch.tanh(self.phi2(nn.functional.silu(self.phi1(psi))))
        x = nn.functional.elu(self.first(torch.cat([a, o, phi], 1)))
        x = self.norm(nn.functional.silu(self.second(x)))
        return self.out(nn.functional.gelu(self.third(x)))


def described(name, seed):
    torch.manual_seed(seed)
    network = Described()
    spread([network])
    observation, action, task = data(seed + 100)
    q = network(*pairs(observation, action, task))
    save(name, network.state_dict())
    save(name + ".expected", {"observation": observation, "action": action, "task": task, "critic": q.reshape(B, K)})


with torch.no_grad():
    sb3("sb3-sac", 1, [24, 24, 24], nn.ReLU)
    sb3("sb3-sac-standard", 2, [16, 16], nn.ReLU)
    sb3("sb3-sac-norm-tanh", 3, [20, 12, 28], nn.Tanh, norm=True)
    sb3("sb3-sac-three-critics", 4, [8, 17], nn.ELU, count=3)
    sb3("sb3-her", 5, [16, 16, 16], nn.ReLU, her=True)
    discrete("sb3-dqn", 6, "q_net.q_net.", "q_net_target.q_net.", [16, 16], nn.ReLU)
    discrete("cleanrl-dqn", 7, "network.", None, [20, 14], nn.ReLU)
    cleanrl("cleanrl-sac", 8, [16, 16], norm=False)
    cleanrl("cleanrl-sac-norm", 9, [18, 24, 12], norm=True)
    described("described", 10)
