"""Task families: reward, termination and the map from states to tasks."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Callable, Mapping, Optional, Tuple, Union

import numpy as np

from . import _library
from ._arrays import FloatArray

JudgeCallable = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Tuple[Any, Any]]
AchievedCallable = Callable[[FloatArray, FloatArray], Any]


class Family:
    """A built-in family by name, or one of functions of yours.

    By name, with the keys of its JSON: ``Family("goal", achieved=[0, 1], margin=0.1, reward=[-1, 0], judge="next")``;
    also ``"goal-margin"``, ``"discrete"``, ``"linear"``, ``"dense"``, ``"intervals"``. Or the JSON itself, as a mapping
    or text, or the path of a file of it.

    Of functions: ``Family.of(judge, task_dimension=P)``.
    """

    def __init__(self, kind: Union[str, Mapping[str, Any]], **keys: Any) -> None:
        if isinstance(kind, str) and not keys and ("{" in kind or kind.endswith(".json")):
            text = kind
        else:
            text = json.dumps({"kind": kind, **keys} if isinstance(kind, str) else {**kind, **keys}, default=_plain)
        self._raised: Optional[BaseException] = None
        self._handle = _library.create("hipifast_family_from_json", text.encode())
        self._functions: tuple[Any, ...] = ()

    @classmethod
    def of(
        cls, judge: JudgeCallable, task_dimension: int, achieved: Optional[AchievedCallable] = None
    ) -> "Family":
        """A family of functions, which are called for blocks of transitions, from several threads.

        ``judge(observation, action, next_observation, task) -> (reward, terminated)``: arrays that broadcast against each
        other, with the entries last. Either ``[R, 1, S]``, ``[R, 1, A]``, ``[R, 1, S]`` and ``[1, K, P]``, giving
        ``[R, K]`` each; or ``[R, S]``, ``[R, A]``, ``[R, S]`` and ``[R, P]``, giving ``[R]``. Index entries by ``[..., i]``
        and sum over ``axis=-1``, and both are served.

        ``achieved(observation, commanded) -> task``: ``[R, S]`` and ``[R, P]`` give ``[R, P]``; leave it out where states
        achieve no tasks.
        """
        family = cls.__new__(cls)
        family._raised = None

        def call_judge(_context: Any, pairs: Any) -> int:
            try:
                _judge(judge, pairs.contents)
                return 0
            except BaseException as error:  # Goes through the library as a status.
                family._raised = error
                return 1

        def call_achieved(
            _context: Any, observation: int, commanded: int, rows: int, width: int, task: int
        ) -> int:
            try:
                result = _view(task, (rows, task_dimension))
                result[...] = achieved(  # type: ignore[misc]
                    _view(observation, (rows, width)), _view(commanded, (rows, task_dimension)))
                return 0
            except BaseException as error:
                family._raised = error
                return 1

        functions = (
            _library.JudgeFunction(call_judge),
            _library.AchievedFunction(call_achieved) if achieved is not None else None,
        )
        family._handle = _library.create(
            "hipifast_family_from_functions", task_dimension, None, ctypes.cast(functions[0], ctypes.c_void_p),
            None if functions[1] is None else ctypes.cast(functions[1], ctypes.c_void_p))
        family._functions = functions
        return family

    @property
    def task_dimension(self) -> int:
        """P, entries of a task."""
        result = ctypes.c_int32()
        _library.check(_library.library().hipifast_family_task_dimension(self._handle.value, ctypes.byref(result)))
        return result.value

    def _take_error(self) -> Optional[BaseException]:
        error, self._raised = self._raised, None
        return error


def _plain(value: Any) -> Any:
    # numpy's numbers and arrays in JSON.
    return value.tolist()


def _view(address: int, shape: Tuple[int, ...], kind: Any = ctypes.c_float) -> Any:
    count = int(np.prod(shape))
    return np.frombuffer((kind * count).from_address(address), dtype=np.dtype(kind)).reshape(shape)


def _judge(judge: JudgeCallable, pairs: _library.Pairs) -> None:
    rows, tasks = pairs.rows, pairs.tasks
    s, a, p = pairs.observation_dimension, pairs.action_dimension, pairs.task_dimension
    lead = (rows, 1) if tasks else (rows,)
    result = (rows, tasks) if tasks else (rows,)
    reward, terminated = judge(
        _view(pairs.observation, (*lead, s)),
        _view(pairs.action, (*lead, a)),
        _view(pairs.next_observation, (*lead, s)),
        _view(pairs.task, (1, tasks, p) if tasks else (rows, p)))
    _view(pairs.reward, result)[...] = reward
    _view(pairs.terminated, result, ctypes.c_uint8)[...] = np.asarray(terminated, dtype=bool)
