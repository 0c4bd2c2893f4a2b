"""A replay buffer that relabels what it samples, in the place of Stable-Baselines3's ``HerReplayBuffer``."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from ._arrays import FloatArray
from .families import Family, JudgeCallable
from .relabeling import Relabeler, Relabeling

_GOAL = "desired_goal"

#: Q of N pairs: a goal environment's observations, a mapping of arrays ``[N, ...]``, and actions ``[N, A]`` give ``[N]``.
ObservationCritic = Callable[[Dict[str, FloatArray], FloatArray], Any]


class Samples(NamedTuple):
    """What :meth:`ReplayBuffer.sample` gives; the fields of Stable-Baselines3's ``DictReplayBufferSamples``."""

    #: Name -> ``[B, ...]``; ``desired_goal`` holds the new tasks.
    observations: Dict[str, Any]
    #: ``[B, A]``, in [-1, 1].
    actions: Any
    next_observations: Dict[str, Any]
    #: ``[B, 1]``: 1 where the new task ends with the transition.
    dones: Any
    #: ``[B, 1]``: rewards under the new tasks.
    rewards: Any
    #: Of n-step returns, which there are none of.
    discounts: Any = None


class ReplayBuffer:
    """Transitions of goal environments, relabeled by inverse RL when they are sampled.

    ``SAC("MultiInputPolicy", env, replay_buffer_class=hipifast.ReplayBuffer, replay_buffer_kwargs={"family": ...})``, and
    before ``learn``: ``model.replay_buffer.set_critic(hipifast.sb3_critic(model))``. Works without Stable-Baselines3,
    too: spaces need a ``shape``, or are mappings of such; without torch samples are numpy arrays.

    ``buffer_size``: transitions, over all environments. ``observation_space``: a mapping (``Dict`` space) with
    ``desired_goal``, the task, and other entries, which make up the state in the order of their names: for goal
    environments ``achieved_goal`` and ``observation``. ``action_space``: with actions scaled to [-1, 1], as policies of
    Stable-Baselines3 store them.

    ``family``: reward and termination of a state (the entries above, flattened, ``achieved_goal`` first) under a task:
    a :class:`Family`, or what makes one. The default is a goal within 0.05 of ``achieved_goal``, judged after the step.

    ``critic``: what transitions are worth under tasks, see :meth:`set_critic`; until there is one, ``sample`` leaves
    tasks as they are. ``relabel_fraction``: the share of rows that gets a new task. Further options as for
    :class:`Relabeler`, of which ``candidates`` may be ``"commanded"``, ``"reached"`` or ``"both"`` (the default): tasks of
    the batch's rows.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: Any,
        action_space: Any,
        device: Any = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        handle_timeout_termination: bool = True,
        *,
        env: Any = None,
        family: Union[None, Family, JudgeCallable, Dict[str, Any], str] = None,
        critic: Optional[ObservationCritic] = None,
        relabel_fraction: float = 0.8,
        seed: int = 0,
        **options: Any,
    ) -> None:
        if optimize_memory_usage:
            raise ValueError("optimize_memory_usage is True; expected False: next states are kept.")
        spaces = getattr(observation_space, "spaces", observation_space)
        if not isinstance(spaces, Mapping) or _GOAL not in spaces or len(spaces) < 2:
            raise ValueError(
                f"The observation space is {observation_space!r}; expected a Dict space with '{_GOAL}' and others.")
        self.observation_space, self.action_space, self.device, self.n_envs = observation_space, action_space, device, n_envs
        self.optimize_memory_usage, self.handle_timeout_termination = False, handle_timeout_termination
        self._shapes: Dict[str, Tuple[int, ...]] = {name: tuple(spaces[name].shape) for name in spaces}
        self._keys: List[str] = sorted(name for name in spaces if name != _GOAL)
        self._widths = [int(np.prod(self._shapes[name])) for name in self._keys]
        s, p, a = sum(self._widths), int(np.prod(self._shapes[_GOAL])), int(np.prod(action_space.shape))
        self.buffer_size = max(buffer_size // n_envs, 1)
        self._state, self._next = (np.zeros((self.buffer_size, n_envs, s), np.float32) for _ in range(2))
        self._task = np.zeros((self.buffer_size, n_envs, p), np.float32)
        self._action = np.zeros((self.buffer_size, n_envs, a), np.float32)
        self._action_shape = tuple(action_space.shape)
        self.rewards = np.zeros((self.buffer_size, n_envs), np.float32)
        self.dones = np.zeros((self.buffer_size, n_envs), np.float32)
        self.timeouts = np.zeros((self.buffer_size, n_envs), np.float32)
        self.pos, self.full = 0, False
        self.env = env
        self._random = np.random.default_rng(seed)
        if family is None:
            family = Family("goal", achieved=list(range(p)), margin=0.05, judge="next")
        self._candidates = options.pop("candidates", "both")
        if self._candidates != "commanded" and self._shapes.get("achieved_goal") != self._shapes[_GOAL]:
            raise ValueError(
                f"The observation space has no 'achieved_goal' of the shape of '{_GOAL}'; expected one, or "
                "candidates='commanded' and a family.")
        if self._candidates not in ("commanded", "reached", "both"):
            raise ValueError(
                f"candidates is {self._candidates!r}; expected 'commanded', 'reached' or 'both': tasks of the batch.")
        self._relabeler = Relabeler(
            family, None, task_dimension=p, relabel_fraction=relabel_fraction, seed=seed, **options)
        self._critic = critic
        #: What the last call of sample did, or None.
        self.last_relabeling: Optional[Relabeling] = None

    def set_critic(self, critic: Optional[ObservationCritic]) -> None:
        """Sets what says how much N pairs are worth: ``critic(observations, actions [N, A]) -> [N]``, in nats.

        ``observations`` maps every name of the space to ``[N, ...]``, with the task asked about as ``desired_goal``.
        """
        self._critic = critic

    def set_env(self, env: Any) -> None:
        """Keeps the environment, as ``HerReplayBuffer`` does; it is not asked."""
        self.env = env

    def add(
        self, obs: Mapping[str, Any], next_obs: Mapping[str, Any], action: Any, reward: Any, done: Any,
        infos: Optional[List[Dict[str, Any]]] = None,
    ) -> None:
        """Adds one step of every environment: name -> ``[n_envs, ...]``, ``action`` ``[n_envs, A]``, ``reward`` and
        ``done`` ``[n_envs]``. ``infos`` says with ``TimeLimit.truncated`` that an end was a time limit.
        """
        n = self.n_envs
        self._state[self.pos], self._next[self.pos] = self._flat(obs), self._flat(next_obs)
        self._task[self.pos] = np.asarray(obs[_GOAL]).reshape(n, -1)
        self._action[self.pos] = np.asarray(action).reshape(n, -1)
        self.rewards[self.pos] = np.asarray(reward).reshape(n)
        self.dones[self.pos] = np.asarray(done).reshape(n)
        if self.handle_timeout_termination and infos is not None:
            self.timeouts[self.pos] = [info.get("TimeLimit.truncated", False) for info in infos]
        self.pos += 1
        if self.pos == self.buffer_size:
            self.full, self.pos = True, 0

    def extend(self, *columns: Any) -> None:
        """Adds steps one after the other: the arguments of :meth:`add`, each a sequence."""
        for step in zip(*columns):
            self.add(*step)

    def size(self) -> int:
        """Steps of each environment that are kept."""
        return self.buffer_size if self.full else self.pos

    def __len__(self) -> int:
        return self.size()

    def reset(self) -> None:
        """Forgets everything."""
        self.pos, self.full = 0, False

    def truncate_last_trajectory(self) -> None:
        """Marks what was added last as ended by a time limit, as ``HerReplayBuffer`` does after loading."""
        if self.size() > 0:
            last = (self.pos - 1) % self.buffer_size
            open_ended = self.dones[last] == 0
            self.dones[last], self.timeouts[last] = 1.0, np.where(open_ended, 1.0, self.timeouts[last])

    def sample(self, batch_size: int, env: Any = None) -> Samples:
        """Samples ``batch_size`` transitions with replacement and relabels them, jointly.

        ``env``: a ``VecNormalize``, by which observations and rewards of the result are normalised; or None.
        """
        if self.size() == 0:
            raise ValueError("The replay buffer is empty; expected transitions before a sample.")
        steps = self._random.integers(0, self.size(), batch_size)
        envs = self._random.integers(0, self.n_envs, batch_size)
        state, following = self._state[steps, envs], self._next[steps, envs]
        task, action = self._task[steps, envs], self._action[steps, envs]
        reward = self.rewards[steps, envs]
        done = self.dones[steps, envs] * (1 - self.timeouts[steps, envs])
        self.last_relabeling = None
        if self._critic is not None:
            candidates = self._candidate_tasks(following, task)
            soft_q = self._ask(self._critic, state, action, candidates)
            result = self._relabeler.relabel(
                state, action, following, task, candidate_tasks=candidates, soft_q=soft_q)
            task, reward, done = result.task, result.reward, result.terminated.astype(np.float32)
            self.last_relabeling = result
        observations, next_observations = self._named(state, task), self._named(following, task)
        reward = reward.reshape(-1, 1)
        if env is not None:
            observations, next_observations = env.normalize_obs(observations), env.normalize_obs(next_observations)
            reward = env.normalize_reward(reward).astype(np.float32)
        shaped = action.reshape(batch_size, *self._action_shape)
        return Samples(
            {name: self.to_torch(values) for name, values in observations.items()},
            self.to_torch(shaped),
            {name: self.to_torch(values) for name, values in next_observations.items()},
            self.to_torch(done.reshape(-1, 1)),
            self.to_torch(reward))

    def to_torch(self, array: NDArray[Any], copy: bool = True) -> Any:
        """A tensor on the buffer's device; the array itself without torch."""
        try:
            import torch
        except ImportError:
            return array
        device = self.device
        if isinstance(device, str) and device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return torch.tensor(array, device=device) if copy else torch.as_tensor(array, device=device)

    def _candidate_tasks(self, following: FloatArray, task: FloatArray) -> FloatArray:
        if self._candidates == "commanded":
            return task
        first = sum(self._widths[: self._keys.index("achieved_goal")])
        reached = following[:, first:first + task.shape[1]]
        return np.concatenate([task, reached]) if self._candidates == "both" else np.ascontiguousarray(reached)

    def _ask(
        self, critic: ObservationCritic, state: FloatArray, action: FloatArray, candidates: FloatArray
    ) -> FloatArray:
        rows, k = len(state), len(candidates)
        soft_q = np.empty((rows, k), np.float32)
        block = max(1, (1 << 16) // k)
        for first in range(0, rows, block):
            part = slice(first, min(first + block, rows))
            count = part.stop - part.start
            values = critic(
                self._named(np.repeat(state[part], k, axis=0), np.tile(candidates, (count, 1))),
                np.repeat(action[part], k, axis=0))
            detach = getattr(values, "detach", None)
            soft_q[part] = np.asarray(detach().cpu().numpy() if detach is not None else values).reshape(count, k)
        return soft_q

    def _flat(self, obs: Mapping[str, Any]) -> FloatArray:
        return np.concatenate(
            [np.asarray(obs[name], np.float32).reshape(self.n_envs, -1) for name in self._keys], axis=1)

    def _named(self, state: FloatArray, task: FloatArray) -> Dict[str, FloatArray]:
        parts = np.split(state, np.cumsum(self._widths)[:-1], axis=1)
        named = {name: part.reshape(-1, *self._shapes[name]) for name, part in zip(self._keys, parts)}
        named[_GOAL] = task.reshape(-1, *self._shapes[_GOAL])
        return named


def sb3_critic(model: Any, *, batch_size: int = 1 << 14) -> ObservationCritic:
    """The critic of an agent of Stable-Baselines3 (SAC, TD3, DDPG, TQC) for :meth:`ReplayBuffer.set_critic`.

    The smallest of its critics' values, of quantiles their mean; pairs go through it ``batch_size`` at a time.
    """

    def critic(observations: Dict[str, FloatArray], actions: FloatArray) -> FloatArray:
        import torch

        results = []
        with torch.no_grad():
            for first in range(0, len(actions), batch_size):
                part = slice(first, first + batch_size)
                inputs = {
                    name: torch.as_tensor(np.ascontiguousarray(values[part]), device=model.device)
                    for name, values in observations.items()
                }
                values = model.critic(inputs, torch.as_tensor(actions[part], device=model.device))
                if isinstance(values, (tuple, list)):
                    values = torch.cat(tuple(values), dim=1)
                else:
                    values = values.mean(dim=-1)
                results.append(values.min(dim=1).values.cpu().numpy())
        return np.concatenate(results)

    return critic
