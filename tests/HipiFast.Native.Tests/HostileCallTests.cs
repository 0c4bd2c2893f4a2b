using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Native.Tests;

/// <summary>
/// Calls as no header allows them: every one gives a status and a sentence, none takes the process down, and what they
/// were given stays as it was. The environment variable multiplies how many there are: 50 makes 100,000.
/// </summary>
public sealed unsafe class HostileCallTests
{
    private const string FactorVariable = "HIPIFAST_HOSTILE";
    private const int Calls = 2000;
    private const int Rows = 9, Tasks = 6;

    private static readonly long[] s_sizes =
        [-1, 0, int.MinValue, long.MinValue, int.MaxValue, 1L << 31, 1L << 33, long.MaxValue, long.MaxValue / 4];

    private static readonly float[] s_numbers =
        [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, -float.MaxValue, float.Epsilon];

    private static readonly string[] s_texts =
    [
        "", "{", "{}", "[]", "null", "{\"kind\": 3}", "{\"kind\": \"goal\"}", "{\"seed\": -1}",
        "{\"temperature\": 1e99}", "{\"temperature\": \"\\ud800\"}", "{\"relabel_fraction\": NaN}",
        "{\"threads\": 4097}", "{\"backend\": \"cuda\"}", "{\"candidates\": \"fixed\"}",
        "{\"group_rows\": 2}", "{\"assign\": \"task\"}", "{\"partition\": \"running\"}",
        "{\"temperature\": 0}", "{\"a\":{\"a\":{\"a\":{}}}}", "/", "/dev/null", "sb3", "\u0007", "\ud83d\ude00",
    ];

    private readonly CLibrary _c = CLibrary.WhyNot is null ? CLibrary.Shared : null!;
    private readonly Random _random = new(1);
    private readonly TransitionBatch _batch = RelabelData.Batch(Rows);
    private readonly float[] _softQ = Pinned(Rows * Tasks), _tasks = Pinned(Tasks * 2), _prior = Pinned(Tasks);
    private readonly float[] _numbers = GC.AllocateArray<float>(4 * Rows * 2 * Rows, pinned: true);
    private readonly int[] _indices = GC.AllocateArray<int>(2 * Rows, pinned: true);
    private readonly List<ulong> _freed = [0, 1, 2, ulong.MaxValue];
    private float[] _before = [];
    private int _function;
    private ulong _family, _agent, _relabeler, _networks, _sampler;

    [CLibraryFact]
    public void EveryCallGivesAStatus()
    {
        int factor = int.TryParse(Environment.GetEnvironmentVariable(FactorVariable), out int given) && given > 0
            ? given
            : 1;
        long handles = _c.HandleCount();
        using TemporaryDirectory directory = new();
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, 8);
        AgentFile.Save(agent, directory["agent.safetensors"]);
        Open(directory["agent.safetensors"]);
        Dictionary<Status, int> seen = [];
        for (int number = 0; number < Calls * factor; number++)
        {
            ulong made = 0;
            Status status = Call(directory["agent.safetensors"], &made);
            seen[status] = seen.GetValueOrDefault(status) + 1;
            Assert.True(
                status is >= Status.Ok and <= Status.FunctionFailed,
                $"{status} (function {_function}, call {number}): {_c.LastError}");
            if (status == Status.Ok)
            {
                if (made != 0)
                {
                    _c.Require(_c.Destroy(made));
                    _freed.Add(made);
                }

                Restore();
                continue;
            }

            Assert.Equal(0u, made);
            Assert.NotEmpty(_c.LastError);
            Assert.DoesNotContain("\n", _c.LastError, StringComparison.Ordinal);
            Assert.Equal(_before, RelabelData.Contents(_batch));
            Restore();
        }

        Assert.All(
            (Status[])[Status.Ok, Status.InvalidArgument, Status.InvalidHandle, Status.InvalidData],
            status => Assert.True(seen.GetValueOrDefault(status) > Calls / 20, $"{status}: {string.Join(' ', seen)}"));

        // As if nothing had been.
        BatchView view = CLibraryTests.View(_batch);
        _c.Require(_c.Relabel(_networks, &view, null, 0, null, null));
        foreach (ulong handle in (ulong[])[_family, _agent, _relabeler, _networks, _sampler])
        {
            _c.Require(_c.Destroy(handle));
        }

        Assert.Equal(handles, _c.HandleCount());
    }

    private static float[] Pinned(int count)
    {
        float[] values = GC.AllocateArray<float>(count, pinned: true);
        CLibraryTests.Uniforms(count, count).CopyTo(values, 0);
        return values;
    }

    private void Open(string path)
    {
        _family = _c.Family("""{"kind": "goal", "achieved": [0, 1], "margin": 0.5}""");
        _relabeler = _c.Relabeler(_family, 0, """{"relabel_fraction": 1, "threads": 1}""");
        ShapeView shape = new(RelabelData.Shape);
        fixed (byte* text = CLibrary.Utf8(path), options = CLibrary.Utf8("{}"))
        {
            ulong agent, sampler;
            _c.Require(_c.AgentFromFile(text, &shape, null, null, &agent));
            _c.Require(_c.CreateSampler(options, &sampler));
            (_agent, _sampler) = (agent, sampler);
        }

        _networks = _c.Relabeler(_family, _agent, """{"threads": 1}""");
    }

    // A valid call of a function, of which one thing or several are then spoiled.
    private Status Call(string path, ulong* made)
    {
        BatchView view = CLibraryTests.View(_batch);
        SpoilBatch(ref view);
        _before = RelabelData.Contents(_batch);
        BatchView* batch = Null(8) ? null : &view;
        ShapeView shape = Null(4) ? default : view.Shape;
        float* softQ = Address(_softQ), tasks = Address(_tasks), prior = Null(2) ? null : Address(_prior);
        long rows = Size(Rows), count = Size(Tasks), columns = Size(Tasks);
        ulong* place = Null(8) ? null : made;
        RelabelingView relabeling = Relabeling();
        RelabelingView* result = Null(3) ? null : &relabeling;
        fixed (byte* text = CLibrary.Utf8(Text()), file = CLibrary.Utf8(Null(3) ? Text() : path))
        fixed (float* numbers = _numbers)
        fixed (int* indices = _indices)
        {
            byte* optional = Null(2) ? null : text;
            _function = _random.Next(12);
            switch (_function)
            {
                case 0:
                    return _c.FamilyFromJson(optional, place);
                case 1:
                    return _c.AgentFromFile(Null(8) ? null : file, Null(8) ? null : &shape, optional, optional, place);
                case 2:
                    return Tensors(text, &shape, place);
                case 3:
                    return _c.CreateRelabeler(Handle(_family), Null(2) ? 0 : Handle(_agent), optional, place);
                case 4:
                    return _c.Prepare(
                        Handle(_relabeler), Null(8) ? null : &shape, Extreme(rows, Rows), Extreme(count, Tasks), 1);
                case 5:
                    return _c.SetCandidates(Handle(_relabeler), tasks, count, prior);
                case 6:
                    return _c.CreateSampler(optional, place);
                case 7:
                {
                    DrawView draw = new()
                    {
                        Index = indices, Mode = Null(2) ? null : indices, LogPartition = numbers, Entropy = numbers,
                        Posterior = Null(2) ? null : numbers,
                    };
                    return _c.Sample(Handle(_sampler), softQ, rows, columns, prior, Null(8) ? null : &draw);
                }

                case 8:
                {
                    ulong other = Handle(_sampler);
                    return other == _sampler ? Status.Ok : IsOurs(other) ? Status.Ok : _c.Destroy(other);
                }

                case 9:
                    return _c.Relabel(Handle(_networks), batch, Null(2) ? null : tasks, count, prior, result);
                case 10:
                    return _c.FamilyFromFunctions((int)count, null, null, null, place);
                default:
                    return _c.RelabelFromQ(Handle(_relabeler), batch, softQ, columns, tasks, count, prior, result);
            }
        }
    }

    private Status Tensors(byte* text, ShapeView* shape, ulong* place)
    {
        long* extents = stackalloc long[2] { Size(3), Size(2) };
        TensorView* tensors = stackalloc TensorView[2];
        for (int i = 0; i < 2; i++)
        {
            tensors[i] = new TensorView
            {
                Name = Null(4) ? null : text, Values = Address(_tasks), Shape = Null(4) ? null : extents,
                Rank = Null(4) ? Size(2) : 2,
            };
        }

        return _c.AgentFromTensors(
            Null(8) ? null : tensors, Null(4) ? -1 : 2, Null(8) ? null : shape, null, null, place);
    }

    private void SpoilBatch(ref BatchView view)
    {
        view.Rows = Size(view.Rows);
        view.Observation = Pointer(view.Observation);
        view.Action = Pointer(view.Action);
        view.NextObservation = Pointer(view.NextObservation);
        view.Task = Pointer(view.Task);
        view.Reward = Null(8) ? null : view.Reward;
        view.Terminated = Null(8) ? null : view.Terminated;
        if (Null(16))
        {
            view.Shape.ObservationDimension = (int)Extreme(Size(3), 3);
            view.Shape.ActionDimension = (int)Extreme(Size(2), 2);
            view.Shape.TaskDimension = (int)Extreme(Size(2), 2);
        }

        if (Null(6))
        {
            Span<float> values = _random.Next(4) switch
            {
                0 => _batch.Observation,
                1 => _batch.Action,
                2 => _batch.NextObservation,
                _ => _softQ,
            };
            values[_random.Next(values.Length)] = s_numbers[_random.Next(s_numbers.Length)];
        }

        if (Null(12))
        {
            (Null(2) ? _tasks : _prior)[_random.Next(Tasks)] = s_numbers[_random.Next(s_numbers.Length)];
        }
    }

    private RelabelingView Relabeling() => new()
    {
        CandidateRoom = Null(4) ? -1 : 2 * Rows,
        TaskIndex = Null(2) ? null : (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _indices[0]),
        LogPartition = Null(2) ? null : Address(_numbers),
        SoftQ = Null(2) ? null : Address(_numbers),
        Posterior = Null(2)
            ? null
            : (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _numbers[2 * Rows * Rows]),
    };

    // As it was, but for what was relabeled.
    private void Restore()
    {
        using TransitionBatch fresh = RelabelData.Batch(Rows);
        fresh.Observation.CopyTo(_batch.Observation);
        fresh.Action.CopyTo(_batch.Action);
        fresh.NextObservation.CopyTo(_batch.NextObservation);
        fresh.Task.CopyTo(_batch.Task);
        foreach (float[] values in (float[][])[_softQ, _tasks, _prior])
        {
            CLibraryTests.Uniforms(values.Length, values.Length).CopyTo(values, 0);
        }
    }

    private bool Null(int oneIn) => _random.Next(oneIn) == 0;

    private long Size(long right) => Null(10) ? s_sizes[_random.Next(s_sizes.Length)] : right;

    // What would be memory that nobody has is left to the sizes that are beyond any.
    private static long Extreme(long size, long right) => size is > 64 and < int.MaxValue ? right : size;

    private float* Pointer(float* right) => Null(40) ? null : Null(40) ? (float*)((byte*)right + 1) : right;

    private float* Address(float[] values) =>
        Pointer((float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref values[0]));

    private string Text() => s_texts[_random.Next(s_texts.Length)];

    private bool IsOurs(ulong handle) =>
        handle == _family || handle == _agent || handle == _relabeler || handle == _networks || handle == _sampler;

    private ulong Handle(ulong right) => _random.Next(12) switch
    {
        0 => _freed[_random.Next(_freed.Count)],
        1 => (ulong)_random.NextInt64(),
        2 => _family,
        3 => _sampler,
        4 => right + 1,
        _ => right,
    };
}
