using HipiFast.Kernels.Random;
using HipiFast.Replay;

namespace HipiFast.Tests.Replay;

/// <summary>
/// Feeds a replay buffer with made-up episodes whose states say where they belong: s = (copy, episode, step), s' =
/// (copy, episode, step + 1), and keeps an unbounded record of them to compare with.
/// </summary>
internal sealed class EpisodeData
{
    public static readonly TransitionShape Shape = new(3, 2, 3);

    private readonly ulong _seed;
    private readonly double _endProbability;
    private readonly int _copies;
    private readonly int[] _episode;
    private readonly int[] _step;
    private uint _vectorStep;

    public EpisodeData(ulong seed, int copies, double endProbability)
    {
        (_seed, _copies, _endProbability) = (seed, copies, endProbability);
        _episode = new int[copies];
        _step = new int[copies];
    }

    /// <summary>What was appended, by absolute number.</summary>
    public List<(int Copy, int Episode, int Step, bool Terminated, bool Truncated)> Record { get; } = [];

    public void Append(ReplayBuffer buffer, int vectorSteps)
    {
        for (int i = 0; i < vectorSteps; i++, _vectorStep++)
        {
            using TransitionBatch step = new(Shape, _copies) { Count = _copies };
            Span<float> s = step.Observation, next = step.NextObservation, action = step.Action, task = step.Task,
                reward = step.Reward;
            Span<byte> terminated = step.Terminated;
            byte[] truncated = new byte[_copies];
            for (int c = 0; c < _copies; c++)
            {
                PhiloxBlock block = Philox.Next((uint)c, 0, _vectorStep, (uint)RandomPurpose.SyntheticData, _seed);
                bool ends = Philox.ToUniform(block.X) < _endProbability;
                (terminated[c], truncated[c]) = ends
                    ? (block.Y & 3) switch { 0 => ((byte)1, (byte)0), 1 => ((byte)1, (byte)1),
                    _ => ((byte)0, (byte)1) } : default;
                (s[c * 3], s[(c * 3) + 1], s[(c * 3) + 2]) = (c, _episode[c], _step[c]);
                (next[c * 3], next[(c * 3) + 1], next[(c * 3) + 2]) = (c, _episode[c], _step[c] + 1);
                (action[c * 2], action[(c * 2) + 1]) = (Record.Count + 0.25f, -Record.Count);
                task[(c * 3) + 1] = Record.Count;
                reward[c] = Record.Count + 0.5f;
                Record.Add((c, _episode[c], _step[c], terminated[c] != 0, truncated[c] != 0));
                _step[c] = ends ? 0 : _step[c] + 1;
                _episode[c] += ends ? 1 : 0;
            }

            buffer.Append(step, truncated);
        }
    }
}
