"""The Python package against the engine (files that PythonTests.cs writes) and against numpy in double precision."""

import json
import os
import pathlib
import struct
import subprocess
import sys
import threading
import types
import unittest
import zipfile

import numpy as np

import hipifast

DATA = pathlib.Path(os.environ["HIPIFAST_TEST_DATA"])
ROOT = pathlib.Path(os.environ["HIPIFAST_TEST_ROOT"])
GOAL = {"kind": "goal", "achieved": [0, 1], "margin": 0.5}

# Of the spread of Q~: what every backend keeps to (tests/HipiFast.Kernels.Conformance/Tolerance.cs).
OF_SPREAD = 1e-4


def load(name, *shape, kind=np.float32):
    return np.fromfile(DATA / f"{name}.bin", kind).reshape(shape)


def tensors():
    """The agent's file, read by hand."""
    content = (DATA / "agent.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    return {
        name: np.frombuffer(content[8 + length:], np.float32, int(np.prod(entry["shape"])), entry["data_offsets"][0])
        .reshape(entry["shape"])
        for name, entry in header.items() if name != "__metadata__"
    }


def reference_critic(weights, s, a, task):
    """min(Q1, Q2) of every transition under every task, in double precision."""
    rows, k = len(s), len(task)
    x = np.concatenate([np.repeat(s, k, 0), np.repeat(a, k, 0), np.tile(task, (rows, 1))], 1).astype(np.float64)
    values = []
    for critic in ("critic1", "critic2"):
        h = x
        for layer in range(3):
            h = h @ weights[f"{critic}.{layer}.weight"].T.astype(np.float64) + weights[f"{critic}.{layer}.bias"]
            h = np.maximum(h, 0) if layer < 2 else h
        values.append(h[:, 0])
    return np.minimum(*values).reshape(rows, k)


def reference_posterior(q, temperature=1.0):
    q = q.astype(np.float64)
    top = q.max(0)
    log_z = top + np.log(np.exp(q - top).mean(0))
    scores = (q - log_z) / temperature
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return log_z, weights / weights.sum(1, keepdims=True)


def batch(rows=37, seed=0):
    random = np.random.default_rng(seed)
    return tuple(random.uniform(-1, 1, (rows, width)).astype(np.float32) for width in (3, 2, 3, 2))


def distance_critic(s, a, task):
    return -3 * np.linalg.norm(s[:, :2] - task, axis=1)


class AgainstTheEngine(unittest.TestCase):
    def test_networks_relabel_bit_for_bit(self):
        rows, k = 57, 114
        s, a, following, task = (load(name, rows, width) for name, width in (
            ("observation", 3), ("action", 2), ("next_observation", 3), ("task", 2)))
        agent = hipifast.Agent(DATA / "agent.safetensors", 3, 2, 2)
        relabeler = hipifast.Relabeler(GOAL, agent, candidates="both", seed=7)
        result = relabeler.relabel(s, a, following, task, want_soft_q=True, want_posterior=True)
        self.assertEqual(result.soft_q.tobytes(), load("soft_q", rows, k).tobytes())
        self.assertEqual(result.log_z.tobytes(), load("log_z", k).tobytes())
        self.assertEqual(result.posterior.tobytes(), load("posterior", rows, k).tobytes())
        self.assertEqual(result.index.tobytes(), load("index", rows, kind=np.int32).tobytes())
        self.assertEqual(result.task.tobytes(), load("new_task", rows, 2).tobytes())
        self.assertEqual(result.reward.tobytes(), load("reward", rows).tobytes())
        self.assertEqual(result.terminated.tobytes(), load("terminated", rows, kind=np.uint8).tobytes())
        np.testing.assert_array_equal(task, load("task", rows, 2))  # What was given is not changed.

        # In double precision, where the exact terminal value is the reward.
        tasks = result.candidates
        expected = reference_critic(tensors(), s, a, tasks)
        reached = np.linalg.norm(s[:, None, :2] - tasks[None], axis=-1) <= 0.5
        expected = np.where(reached, 0, expected)
        bound = OF_SPREAD * max(1, np.ptp(expected))
        self.assertLess(np.abs(result.soft_q - expected).max(), bound)
        log_z, posterior = reference_posterior(expected)
        self.assertLess(np.abs(result.log_z - log_z).max(), bound)
        self.assertLess(np.abs(result.posterior - posterior).max(), bound)

    def test_a_matrix_is_drawn_from_bit_for_bit(self):
        q = load("matrix", 64, 33)
        draw = hipifast.relabel_from_q(q, call=0, posterior=True, seed=11, temperature=0.5)
        for name, found in (("draw_index", draw.index), ("draw_mode", draw.mode)):
            self.assertEqual(found.tobytes(), load(name, len(found), kind=np.int32).tobytes())
        for name, found in (("draw_log_z", draw.log_z), ("draw_entropy", draw.entropy), ("draw_posterior", draw.posterior)):
            self.assertEqual(found.tobytes(), load(name, *found.shape).tobytes())
        log_z, posterior = reference_posterior(q, 0.5)
        self.assertLess(np.abs(draw.log_z - log_z).max(), OF_SPREAD * np.ptp(q))
        self.assertLess(np.abs(draw.posterior - posterior).max(), OF_SPREAD)
        np.testing.assert_array_equal(draw.mode, (q - log_z).argmax(1))

    def test_draws_follow_the_posterior(self):
        q = np.random.default_rng(3).normal(size=(1, 4)).astype(np.float32).repeat(20000, 0)
        q[:, 1] += 1
        draw = hipifast.relabel_from_q(q, partition="none", seed=5)
        shares = np.bincount(draw.index, minlength=4) / len(q)
        expected = np.exp(q[0]) / np.exp(q[0]).sum()
        np.testing.assert_allclose(shares, expected, atol=5 * np.sqrt(0.25 / len(q)))


class Networks(unittest.TestCase):
    """state_dicts as Stable-Baselines3 names them, of numpy arrays: torch is not needed."""

    def state_dict(self, inputs=7, hidden=16, layers=2):
        random, state = np.random.default_rng(5), {}
        for critic in ("critic.qf0", "critic.qf1"):
            widths = [inputs] + [hidden] * layers + [1]
            for layer, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
                state[f"{critic}.{2 * layer}.weight"] = random.normal(0, 0.7, (fan_out, fan_in)).astype(np.float32)
                state[f"{critic}.{2 * layer}.bias"] = random.normal(0, 0.3, fan_out).astype(np.float32)
        return state

    def expected(self, state, x):
        values = []
        for critic in ("critic.qf0", "critic.qf1"):
            h, layer = x.astype(np.float64), 0
            while f"{critic}.{layer}.weight" in state:
                h = h @ state[f"{critic}.{layer}.weight"].T.astype(np.float64) + state[f"{critic}.{layer}.bias"]
                last = f"{critic}.{layer + 2}.weight" not in state
                h, layer = (h if last else np.maximum(h, 0)), layer + 2
            values.append(h[:, 0])
        return np.minimum(*values)

    def test_a_state_dict_is_read_as_it_is(self):
        s, a, following, task = batch()
        for layers in (2, 3):
            state = self.state_dict(layers=layers)
            agent = hipifast.Agent(state, 3, 2, 2, format="sb3")
            result = hipifast.relabel(
                s, a, following, task, family=GOAL, critic=agent, want_soft_q=True, exact_terminal_value=False)
            pairs = np.concatenate([np.repeat(s, 37, 0), np.tile(task, (37, 1)), np.repeat(a, 37, 0)], 1)
            expected = self.expected(state, pairs).reshape(37, 37)
            self.assertLess(np.abs(result.soft_q - expected).max(), OF_SPREAD * np.ptp(expected))
            same = hipifast.relabel(s, a, following, task, family=GOAL, critic=state, exact_terminal_value=False)
            np.testing.assert_array_equal(same.index, result.index)

    def test_what_is_not_understood_is_refused_by_name(self):
        state = {**self.state_dict(), "critic.qf0.extra.weight": np.zeros((3, 3), np.float32)}
        with self.assertRaisesRegex(ValueError, "critic.qf0.extra.weight"):
            hipifast.Agent(state, 3, 2, 2)
        with self.assertRaisesRegex(ValueError, "Unknown agent format 'sb4'"):
            hipifast.Agent(self.state_dict(), 3, 2, 2, format="sb4")


class Relabeling(unittest.TestCase):
    def test_a_critic_and_a_family_may_be_functions(self):
        s, a, following, task = batch()

        def judge(observation, action, next_observation, goal):
            reached = np.linalg.norm(observation[..., :2] - goal, axis=-1) <= 0.5
            return np.where(reached, 0.0, -1.0), reached

        plain = hipifast.relabel(s, a, following, task, family=GOAL, critic=distance_critic, seed=4)
        own = hipifast.relabel(s, a, following, task, family=judge, critic=distance_critic, seed=4)
        for name in ("index", "task", "reward", "terminated", "log_z"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(own, name))
        family = hipifast.Family.of(judge, 2, achieved=lambda observation, commanded: observation[:, :2])
        reached = hipifast.Relabeler(family, candidates="reached", relabel_fraction=1)
        q = np.zeros((len(s), len(s)), np.float32)
        result = reached.relabel(s, a, following, task, soft_q=q)
        np.testing.assert_array_equal(result.candidates, following[:, :2])

    def test_what_a_function_raises_comes_back(self):
        s, a, following, task = batch()

        def judge(*_):
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            hipifast.relabel(s, a, following, task, family=judge, critic=distance_critic)

    def test_every_kind_of_array_is_taken(self):
        s, a, following, task = batch()
        expected = hipifast.relabel(s, a, following, task, family=GOAL, critic=distance_critic)
        for change in (lambda x: x.astype(np.float64), np.asfortranarray, lambda x: x.tolist(), lambda x: x[::-1][::-1]):
            result = hipifast.relabel(*map(change, (s, a, following, task)), family=GOAL, critic=distance_critic)
            np.testing.assert_array_equal(result.index, expected.index)

    def test_candidates_prior_and_temperature(self):
        s, a, following, _ = batch()
        tasks = np.array([[0, 0], [5, 5], [0.1, 0.1]], np.float32)
        result = hipifast.relabel(
            s, a, following, tasks, family=GOAL, critic=distance_critic, log_prior=[0, 0, -np.inf], temperature=0)
        self.assertTrue(set(result.index) <= {0, 1})
        self.assertTrue(result.relabeled.all())
        fixed = hipifast.Relabeler(GOAL, distance_critic, candidates="fixed", relabel_fraction=1)
        fixed.set_candidates(tasks)
        self.assertEqual(fixed.relabel(s, a, following, np.zeros((len(s), 2))).log_z.shape, (3,))

    def test_calls_are_counted(self):
        q = batch(64)[0] @ np.ones((3, 40), np.float32) + np.arange(40) % 3
        sampler = hipifast.Sampler(seed=1)
        first, second = sampler.sample(q), sampler.sample(q)
        self.assertFalse(np.array_equal(first.index, second.index))
        sampler.call = 0
        np.testing.assert_array_equal(sampler.sample(q).index, first.index)
        self.assertEqual(sampler.call, 1)

    def test_threads_have_samplers_of_their_own(self):
        q = np.random.default_rng(0).normal(size=(200, 50)).astype(np.float32)
        expected, found, errors = hipifast.relabel_from_q(q, call=0, seed=9).index, [], []

        def work():
            try:
                for _ in range(50):
                    found.append(np.array_equal(hipifast.relabel_from_q(q, call=0, seed=9).index, expected))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        self.assertEqual((len(found), all(found), errors), (200, True, []))

    def test_each_mistake_has_its_sentence(self):
        s, a, following, task = batch()
        nan = s.copy()
        nan[3, 1] = np.nan
        for arguments, options, words in (
            ((s, a, following, task[:, :1]), {}, "agree|width|entries"),
            ((s, a[:5], following, task), {}, "action has 5 rows; expected 37"),
            ((s, a, following[:, :2], task), {}, "next_observation has rows of 2 entries; expected 3"),
            ((nan, a, following, task), {}, "observation of transition 3 is NaN in column 1"),
            ((s, a, following, task), {"temperature": -1}, "temperature is '-1'"),
            ((s, a, following, task), {"temperatur": 1}, "Unknown key 'temperatur'.*did you mean 'temperature'"),
            ((s, a, following, task), {"family": {"kind": "gaol"}}, "unknown kind 'gaol'"),
            ((s, a, following, task), {"soft_q": np.zeros((37, 3))}, "soft-Q matrix"),
            ((s, a, following, np.zeros((0, 2))), {}, "candidate_tasks has the shape"),
        ):
            with self.subTest(words), self.assertRaisesRegex(ValueError, words) as caught:
                hipifast.relabel(*arguments, **{"family": GOAL, "critic": distance_critic, **options})
            self.assertNotIn("\n", str(caught.exception))
        with self.assertRaises(hipifast.HipiFastError) as caught:
            hipifast.Agent("/nowhere.safetensors", 3, 2, 2)
        self.assertIsInstance(caught.exception, OSError)

    def test_closed_is_closed(self):
        sampler = hipifast.Sampler()
        sampler.close()
        with self.assertRaises(ValueError):
            sampler.sample(np.zeros((2, 2), np.float32))

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_forked_child_is_told(self):
        hipifast.version()
        child = os.fork()
        if child == 0:
            try:
                hipifast.relabel_from_q(np.zeros((2, 2), np.float32), seed=77)
                os._exit(1)
            except RuntimeError:
                os._exit(0)
            finally:
                os._exit(2)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


def space(*shape):
    return types.SimpleNamespace(shape=shape)


class Replay(unittest.TestCase):
    SPACES = {"observation": space(3), "achieved_goal": space(2), "desired_goal": space(2)}

    def fill(self, steps=40, envs=2, **options):
        buffer = hipifast.ReplayBuffer(100, self.SPACES, space(2), n_envs=envs, seed=3, **options)
        random = np.random.default_rng(1)
        draw = lambda: {name: random.uniform(-1, 1, (envs, *entry.shape)).astype(np.float32)
                        for name, entry in self.SPACES.items()}
        for step in range(steps):
            obs, following = draw(), draw()
            following["desired_goal"] = obs["desired_goal"]
            buffer.add(obs, following, random.uniform(-1, 1, (envs, 2)), np.full(envs, -7.0), np.zeros(envs, bool),
                       [{"TimeLimit.truncated": step % 5 == 4}] * envs)
        return buffer

    def test_methods_are_those_of_stable_baselines(self):
        buffer = self.fill()
        self.assertEqual((buffer.size(), buffer.full, buffer.pos, buffer.buffer_size, len(buffer)), (40, False, 40, 50, 40))
        samples = buffer.sample(16, env=None)
        self.assertEqual(
            samples._fields, ("observations", "actions", "next_observations", "dones", "rewards", "discounts"))
        self.assertEqual(sorted(samples.observations), sorted(self.SPACES))
        self.assertEqual(tuple(samples.actions.shape), (16, 2))
        self.assertEqual(tuple(samples.rewards.shape), (16, 1))
        self.assertTrue((np.asarray(samples.rewards) == -7).all())  # Without a critic as they were stored.
        buffer.truncate_last_trajectory()
        buffer.reset()
        self.assertEqual(buffer.size(), 0)
        with self.assertRaisesRegex(ValueError, "empty"):
            buffer.sample(1)
        full = self.fill(steps=60)
        self.assertEqual((full.size(), full.full, full.pos), (50, True, 10))

    def test_samples_are_relabeled(self):
        family = {"kind": "goal", "achieved": [0, 1], "margin": 0.3, "judge": "next"}
        buffer = self.fill(
            relabel_fraction=1.0, family=family, partition="none", exact_terminal_value=False)
        seen = []

        def critic(observations, actions):
            seen.append(len(actions))
            return -30 * np.linalg.norm(observations["achieved_goal"] - observations["desired_goal"], axis=1)

        buffer.set_critic(critic)
        samples = buffer.sample(32)
        self.assertEqual(sum(seen), 32 * 64)  # Commanded and reached tasks.
        rewards, dones = np.asarray(samples.rewards)[:, 0], np.asarray(samples.dones)[:, 0]
        distance = np.linalg.norm(
            np.asarray(samples.next_observations["achieved_goal"]) - np.asarray(samples.observations["desired_goal"]), axis=1)
        np.testing.assert_array_equal(rewards, np.where(distance <= 0.3, 0, -1))
        np.testing.assert_array_equal(dones, (distance <= 0.3).astype(np.float32))
        self.assertTrue(buffer.last_relabeling.relabeled.all())

        # What inverse RL prefers is nearer than a task at random.
        near = np.linalg.norm(np.asarray(samples.observations["achieved_goal"]) - np.asarray(
            samples.observations["desired_goal"]), axis=1).mean()
        buffer.set_critic(None)
        other = buffer.sample(32)
        far = np.linalg.norm(np.asarray(other.observations["achieved_goal"]) - np.asarray(
            other.observations["desired_goal"]), axis=1).mean()
        self.assertLess(near, 0.7 * far)

    def test_other_spaces_are_refused(self):
        with self.assertRaisesRegex(ValueError, "desired_goal"):
            hipifast.ReplayBuffer(10, {"observation": space(3)}, space(2))
        with self.assertRaisesRegex(ValueError, "achieved_goal"):
            hipifast.ReplayBuffer(10, {"observation": space(3), "desired_goal": space(2)}, space(2))


class Wheel(unittest.TestCase):
    def test_it_is_built_by_one_command_and_brings_the_libraries(self):
        folder = DATA / "wheels"
        subprocess.run(
            [sys.executable, str(ROOT / "src" / "python" / "build_wheel.py"), "--no-build", str(folder)], check=True,
            capture_output=True)
        (wheel,) = folder.glob("*.whl")
        self.assertRegex(wheel.name, r"^hipifast-[0-9.]+-py3-none-\w+\.whl$")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "site")
        environment = {name: value for name, value in os.environ.items() if name != "HIPIFAST_LIBRARY_FOLDER"}
        result = subprocess.run(
            [sys.executable, "-c", "import hipifast; print(hipifast.__file__, hipifast.level(), hipifast.version())"],
            env={**environment, "PYTHONPATH": str(folder / "site")}, check=True, capture_output=True, text=True, cwd=folder)
        file, level, version = result.stdout.split()
        self.assertTrue(file.startswith(str(folder)))
        self.assertEqual((level, version), (hipifast.level(), hipifast.__version__))
        self.assertTrue((folder / "site" / "hipifast" / "py.typed").exists())

    def test_the_readme_runs(self):
        text = (ROOT / "src" / "python" / "README.md").read_text()
        (program,) = [part.split("```")[0] for part in text.split("```python\n")[1:]]
        exec(compile(program, "README.md", "exec"), {})


if __name__ == "__main__":
    unittest.main()
