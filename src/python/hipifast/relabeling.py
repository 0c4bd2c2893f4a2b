"""Relabeling: what the package is for."""

from __future__ import annotations

import ctypes
import json
import threading
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from . import _library
from ._arrays import FloatArray, matrix, pointer, vector
from .agents import Agent, as_agent
from .families import Family, JudgeCallable

Critic = Callable[[FloatArray, FloatArray, FloatArray], Any]

# Pairs that a critic of the caller's is asked for at once.
_PAIRS = 1 << 16


class Diagnostics(NamedTuple):
    """A call in numbers; NaN where one does not apply."""

    #: Mean entropy of the rows' posteriors, in nats, in [0, log K].
    posterior_entropy: float
    #: exp of it: among how many tasks a row hesitates.
    effective_tasks: float
    #: Share of rows whose commanded task is the most likely.
    commanded_is_mode: float
    #: Smallest and largest logZ, in nats.
    log_partition_min: float
    log_partition_max: float
    #: Mean of -log q(commanded task), in nats: the paper's lower bound on what relabeling gains.
    kl_from_commanded: float
    #: Share of rows whose task was chosen anew.
    relabeled_share: float
    #: Share of those that end under their task.
    terminated_share: float


class Relabeling(NamedTuple):
    """What a relabel call gives."""

    #: ``[B]`` int32: which candidate, or -1 where a row kept its task or got one from another strategy.
    index: NDArray[np.int32]
    #: ``[B, P]``: the new tasks.
    task: FloatArray
    #: ``[B]``: rewards under them.
    reward: FloatArray
    #: ``[B]`` bool: whether the task ends with the transition.
    terminated: NDArray[np.bool_]
    #: ``[K]``: logZ in nats; zeros without a partition.
    log_z: FloatArray
    #: ``[B]`` bool: whether the task was chosen anew.
    relabeled: NDArray[np.bool_]
    #: ``[K, P]``: the candidates.
    candidates: FloatArray
    #: ``[B, K]``: Q~ in nats, with exact terminal values; None unless asked for.
    soft_q: Optional[FloatArray]
    #: ``[B, K]``: posterior, rows adding up to 1; None unless asked for.
    posterior: Optional[FloatArray]
    diagnostics: Diagnostics


class Draw(NamedTuple):
    """What drawing from a matrix of soft Q-values gives."""

    #: By row ``[B]`` int32: a candidate for each transition. By task ``[K]``: a transition for each candidate.
    index: NDArray[np.int32]
    #: ``[K]``: logZ in nats; zeros without a partition, and by task.
    log_z: FloatArray
    #: By row ``[B]``: the most likely candidate.
    mode: NDArray[np.int32]
    #: By row ``[B]``: entropy of the posterior, in nats.
    entropy: FloatArray
    #: By row ``[B, K]``, rows adding up to 1; None unless asked for.
    posterior: Optional[FloatArray]


class _Counted:
    """What has a handle, and draws from random counters."""

    _handle: _library.Handle

    @property
    def call(self) -> int:
        """Number of the next call, a word of every random counter; grows with each call. Set it to repeat one."""
        number = ctypes.c_uint32()
        _library.check(_library.library().hipifast_get_call(self._handle.value, ctypes.byref(number)))
        return number.value

    @call.setter
    def call(self, number: int) -> None:
        _library.check(_library.library().hipifast_set_call(self._handle.value, number & 0xFFFFFFFF))

    def close(self) -> None:
        """Gives the memory back; a second call does nothing."""
        self._handle.close()


class Sampler(_Counted):
    """Draws from matrices of soft Q-values; one thread at a time.

    Options: ``assign`` (``"row"`` or ``"task"``), ``partition`` (``"batch"``, ``"running"``, ``"none"``),
    ``partition_decay``, ``temperature`` (0 takes the most likely), ``seed``, ``threads`` (0: one per core).
    """

    def __init__(self, **options: Any) -> None:
        self._by_task = options.get("assign") == "task"
        self._library = _library.library()
        self._handle = _library.create("hipifast_sampler_create", _json(options))
        self._shape = (0, 0)
        self._result = _library.DrawResult()
        self._reference = ctypes.byref(self._result)

    def sample(self, soft_q: Any, log_prior: Any = None, *, posterior: bool = False) -> Draw:
        """Draws a candidate for every row of Q~ ``[B, K]`` (by task: a row for every candidate).

        ``log_prior`` ``[K]``, unnormalised; -inf excludes a task. ``posterior``: whether ``[B, K]`` of it is wanted.
        """
        q = soft_q
        if not (type(q) is np.ndarray and q.dtype == np.float32 and q.ndim == 2 and q.flags.c_contiguous and q.size):
            q = matrix(soft_q, "soft_q")
        shape = q.shape
        if shape != self._shape:
            self._reserve(*shape)
        prior = None if log_prior is None else vector(log_prior, "log_prior", shape[1])
        wanted = np.empty(shape, np.float32) if posterior else None
        self._result.posterior = pointer(wanted)
        status = self._library.hipifast_sample(
            self._handle.value, q.__array_interface__["data"][0], shape[0], shape[1], pointer(prior), self._reference)
        if status:
            _library.check(status)
        ints, floats, rows, columns = self._ints, self._floats, *shape
        drawn = columns if self._by_task else rows
        mine, numbers = ints.copy(), floats.copy()
        rest = 0 if self._by_task else rows
        return Draw(
            mine[:drawn], numbers[:columns], mine[drawn:drawn + rest], numbers[columns:columns + rest], wanted)

    def _reserve(self, rows: int, columns: int) -> None:
        # One block of each type that the library writes and every result copies.
        drawn = columns if self._by_task else rows
        rest = 0 if self._by_task else rows
        self._ints, self._floats = np.zeros(drawn + rest, np.int32), np.zeros(columns + rest, np.float32)
        first, second = pointer(self._ints), pointer(self._floats)
        assert first is not None and second is not None
        self._result.index, self._result.mode = first, first + 4 * drawn
        self._result.log_partition, self._result.entropy = second, second + 4 * columns
        self._shape = (rows, columns)


class Relabeler(_Counted):
    """Relabels batches; keeps memory and threads from call to call. One thread at a time.

    ``family``: a :class:`Family`, or what makes one: a mapping, JSON text, or a function of
    ``(observation, action, next_observation, task)`` (see :meth:`Family.of`; then with ``task_dimension``).

    ``critic``: an :class:`Agent`, the path of a safetensors file, a state_dict, or a function
    ``critic(observation [N, S], action [N, A], task [N, P]) -> [N]`` of pairs, in nats. None where every call brings
    ``soft_q``.

    Options are those of the command line, with underscores: ``relabel_fraction`` (0.5: the share of rows that gets a new
    task), ``candidates`` (``"commanded"``, ``"reached"``, ``"both"``, ``"fixed"``), ``temperature``, ``partition``,
    ``assign``, ``estimator``, ``exact_terminal_value``, ``seed``, ``threads``, ...
    """

    def __init__(
        self,
        family: Union[Family, JudgeCallable, Dict[str, Any], str],
        critic: Union[None, Agent, Critic, str, Dict[str, Any]] = None,
        *,
        task_dimension: Optional[int] = None,
        **options: Any,
    ) -> None:
        self._family = _family(family, task_dimension)
        self._p = self._family.task_dimension
        self._options = options
        self._critic = critic
        self._function: Optional[Critic] = None
        self._agent: Optional[Agent] = None
        if critic is None or isinstance(critic, Agent):
            self._agent = critic
        elif callable(critic):
            self._function = critic
        self._fixed: Optional[Tuple[FloatArray, Optional[FloatArray]]] = None
        self._handle = _library.Handle(0)
        if critic is None or self._agent is not None or self._function is not None:
            self._open()

    @property
    def family(self) -> Family:
        """The task family."""
        return self._family

    def set_candidates(self, tasks: Any, log_prior: Any = None) -> None:
        """Sets the tasks ``[K, P]`` of ``candidates="fixed"``, and their log prior ``[K]``."""
        fixed = matrix(tasks, "tasks", self._p)
        self._fixed = (fixed, None if log_prior is None else vector(log_prior, "log_prior", len(fixed)))
        if self._handle.value:
            self._set_candidates()

    def relabel(
        self,
        observation: Any,
        action: Any,
        next_observation: Any,
        task: Any = None,
        *,
        candidate_tasks: Any = None,
        log_prior: Any = None,
        soft_q: Any = None,
        want_soft_q: bool = False,
        want_posterior: bool = False,
    ) -> Relabeling:
        """Relabels B transitions.

        ``observation`` ``[B, S]``, ``action`` ``[B, A]`` in [-1, 1], ``next_observation`` ``[B, S]``, ``task`` ``[B, P]``:
        the commanded tasks, which may be left out where candidates are given and every row is relabeled.

        ``candidate_tasks`` ``[K, P]`` with ``log_prior`` ``[K]``; left out, those that the option ``candidates`` says.

        ``soft_q`` ``[B, K]``: Q~ in nats, in place of the critic's.

        The arrays given are not changed.
        """
        s = matrix(observation, "observation")
        rows = len(s)
        a = matrix(action, "action", rows=rows)
        following = matrix(next_observation, "next_observation", s.shape[1], rows)
        given = None if candidate_tasks is None else matrix(candidate_tasks, "candidate_tasks", self._p)
        prior = None if log_prior is None else vector(log_prior, "log_prior", 0 if given is None else len(given))
        if task is not None:
            new_task = np.array(matrix(task, "task", self._p, rows))
        elif given is not None and self._options.get("relabel_fraction", 0.5) == 1:
            new_task = np.zeros((rows, self._p), np.float32)
        else:
            raise ValueError(
                "There is no task; expected the commanded tasks [B, P], or candidate_tasks and the option "
                "relabel_fraction=1.")
        if self._options.get("assign") == "task":
            s, a, following = s.copy(), a.copy(), following.copy()
        if not self._handle.value:
            self._agent = as_agent(self._critic, s.shape[1], a.shape[1], self._p)
            self._open()
        q = None if soft_q is None else matrix(soft_q, "soft_q", rows=rows)
        if q is None and self._function is not None:
            q = self._ask(self._function, s, a, following, new_task, given)
        room = self._room(rows, given)
        reward, terminated = np.empty(rows, np.float32), np.empty(rows, np.uint8)
        index, relabeled = np.empty(rows, np.int32), np.empty(rows, np.uint8)
        log_z, used = np.zeros(room, np.float32), np.empty((room, self._p), np.float32)
        out_q = np.empty((rows, room), np.float32) if want_soft_q else None
        out_posterior = np.empty((rows, room), np.float32) if want_posterior else None
        batch = _library.Batch(
            _library.Shape(s.shape[1], a.shape[1], self._p, 0), rows, pointer(s), pointer(a), pointer(following),
            pointer(new_task), pointer(reward), pointer(terminated))
        result = _library.Result(
            room, 0, pointer(index), pointer(relabeled), pointer(used), pointer(log_z), pointer(out_q),
            pointer(out_posterior))
        count = 0 if given is None else len(given)
        tail = (pointer(given), count, pointer(prior), ctypes.byref(result))
        functions = _library.library()
        if q is None:
            status = functions.hipifast_relabel(self._handle.value, ctypes.byref(batch), *tail)
        else:
            status = functions.hipifast_relabel_from_q(
                self._handle.value, ctypes.byref(batch), pointer(q), q.shape[1], *tail)
        raised = self._family._take_error()
        if status:
            _library.check(status, raised)
        k = result.candidates
        return Relabeling(
            index, new_task, reward, terminated.view(np.bool_), log_z[:k], relabeled.view(np.bool_), used[:k],
            None if out_q is None else _columns(out_q, k), None if out_posterior is None else _columns(out_posterior, k),
            Diagnostics(*(getattr(result, name) for name in Diagnostics._fields)))

    def _open(self) -> None:
        agent = 0 if self._agent is None else self._agent._handle.value
        self._handle = _library.create(
            "hipifast_relabeler_create", self._family._handle.value, agent, _json(self._options))
        if self._fixed is not None:
            self._set_candidates()

    def _set_candidates(self) -> None:
        assert self._fixed is not None
        tasks, prior = self._fixed
        _library.check(_library.library().hipifast_relabeler_set_candidates(
            self._handle.value, pointer(tasks), len(tasks), pointer(prior)))

    def _room(self, rows: int, given: Optional[FloatArray]) -> int:
        if given is not None:
            return len(given)
        source = self._options.get("candidates", "commanded")
        if source == "fixed" and self._options.get("assign") != "task":
            return 0 if self._fixed is None else len(self._fixed[0])
        return 2 * rows if source == "both" else rows

    def _ask(
        self, critic: Critic, s: FloatArray, a: FloatArray, following: FloatArray, task: FloatArray,
        given: Optional[FloatArray],
    ) -> FloatArray:
        tasks = given
        if tasks is None:
            source = self._options.get("candidates", "commanded")
            if self._options.get("assign") == "task" or source == "commanded":
                tasks = task
            elif source == "fixed" and self._fixed is not None:
                tasks = self._fixed[0]
            else:
                raise ValueError(
                    f"A critic that is a function is asked about tasks that are known before; expected candidate_tasks, "
                    f"not candidates='{source}'.")
        rows, k = len(s), len(tasks)
        q = np.empty((rows, k), np.float32)
        block = max(1, _PAIRS // k)
        for first in range(0, rows, block):
            part = slice(first, min(first + block, rows))
            count = part.stop - part.start
            values = critic(
                np.repeat(s[part], k, axis=0), np.repeat(a[part], k, axis=0), np.tile(tasks, (count, 1)))
            q[part] = _reshaped(values, count, k)
        return q


def relabel(
    observation: Any,
    action: Any,
    next_observation: Any,
    candidate_tasks: Any,
    *,
    family: Union[Family, JudgeCallable, Dict[str, Any], str],
    critic: Union[None, Agent, Critic, str, Dict[str, Any]] = None,
    soft_q: Any = None,
    task: Any = None,
    log_prior: Any = None,
    relabel_fraction: float = 1.0,
    want_soft_q: bool = False,
    want_posterior: bool = False,
    **options: Any,
) -> Relabeling:
    """Gives every transition the candidate task for which it was the right thing to do.

    ``observation`` ``[B, S]``, ``action`` ``[B, A]`` in [-1, 1], ``next_observation`` ``[B, S]``, ``candidate_tasks``
    ``[K, P]``; ``task`` ``[B, P]``, the commanded tasks, for ``relabel_fraction`` below 1. ``critic`` or ``soft_q``
    ``[B, K]`` says what each transition is worth under each task. For the rest see :class:`Relabeler`, which a loop is
    quicker with: this makes one for the call.
    """
    p = matrix(candidate_tasks, "candidate_tasks").shape[1]
    relabeler = Relabeler(family, critic, task_dimension=p, relabel_fraction=relabel_fraction, **options)
    try:
        return relabeler.relabel(
            observation, action, next_observation, task, candidate_tasks=candidate_tasks, log_prior=log_prior,
            soft_q=soft_q, want_soft_q=want_soft_q, want_posterior=want_posterior)
    finally:
        relabeler.close()


_samplers = threading.local()


def relabel_from_q(soft_q: Any, log_prior: Any = None, *, posterior: bool = False, call: Optional[int] = None,
                   **options: Any) -> Draw:
    """Draws a candidate for every row of ``soft_q`` ``[B, K]``, in nats, from wherever: the middle of :func:`relabel`.

    ``log_prior`` ``[K]``, unnormalised. ``call`` numbers the draw: the same seed, number and matrix give the same draws;
    left out, every call of this thread with the same options is the next. Options as for :class:`Sampler`.
    """
    key = tuple(options.items()) if options else ()
    try:
        sampler = _samplers.by_options[key]
    except (AttributeError, KeyError):
        sampler = _keep(key, options)
    if call is not None:
        sampler.call = call
    return sampler.sample(soft_q, log_prior, posterior=posterior)


def _keep(key: Tuple[Any, ...], options: Dict[str, Any]) -> Sampler:
    kept: Dict[Tuple[Any, ...], Sampler] = getattr(_samplers, "by_options", {})
    if len(kept) >= 64:
        kept.clear()  # Options of another seed at every call.
    kept[key] = sampler = Sampler(**options)
    _samplers.by_options = kept
    return sampler


def _family(family: Any, task_dimension: Optional[int]) -> Family:
    if isinstance(family, Family):
        return family
    if callable(family):
        if task_dimension is None:
            raise ValueError("A family that is a function has tasks of unknown width; expected task_dimension.")
        return Family.of(family, task_dimension)
    return Family(family)


def _json(options: Dict[str, Any]) -> Optional[bytes]:
    return json.dumps(options, default=lambda value: value.item()).encode() if options else None


def _columns(values: FloatArray, k: int) -> FloatArray:
    # The library writes rows of K entries, which may be fewer than there is room for.
    rows = len(values)
    return values.reshape(-1)[: rows * k].reshape(rows, k)


def _reshaped(values: Any, rows: int, k: int) -> FloatArray:
    detach = getattr(values, "detach", None)
    array = np.asarray(detach().cpu().numpy() if detach is not None else values, dtype=np.float32)
    if array.size != rows * k:
        raise ValueError(f"The critic gave {array.shape} for {rows * k} pairs; expected [{rows * k}].")
    return array.reshape(rows, k)
