"""Hindsight relabeling by inverse RL (HIPI) on numpy arrays.

Words: B transitions of S state entries, A action entries; K candidate tasks of P entries each. ``Q~[j, i]`` is what
transition j is worth under candidate task i, in nats; ``logZ_i = log(1/B sum_j exp Q~[j, i])``; transition j draws task i
with probability proportional to ``p_i exp((Q~[j, i] - logZ_i) / T)``.
"""

from ._library import HipiFastError, level, vector_bits, version
from .agents import Agent
from .families import Family
from .relabeling import Diagnostics, Draw, Relabeler, Relabeling, Sampler, relabel, relabel_from_q
from .replay import ReplayBuffer, sb3_critic

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Diagnostics",
    "Draw",
    "Family",
    "HipiFastError",
    "Relabeler",
    "Relabeling",
    "ReplayBuffer",
    "Sampler",
    "level",
    "relabel",
    "relabel_from_q",
    "sb3_critic",
    "vector_bits",
    "version",
]
