using System.Runtime.InteropServices;
using System.Text;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Native;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Hosts;

/// <summary>The same calls on the engine and on a C library, on one thread.</summary>
internal sealed unsafe class HostWork : IDisposable
{
    private const int Rows = 256, Hidden = 64;
    private const string Family = """{"kind": "goal", "achieved": [0, 1], "margin": 0.1}""";

    private static readonly TransitionShape s_shape = new(4, 2, 2);

    private readonly nint _library;
    private readonly TransitionBatch _batch = new(s_shape, Rows) { Count = Rows };
    private readonly TransitionBatch _other = new(s_shape, Rows) { Count = Rows };
    private readonly float[] _softQ = GC.AllocateArray<float>(Rows * Rows, pinned: true);
    private readonly float[] _numbers = GC.AllocateArray<float>(2 * Rows, pinned: true);
    private readonly int[] _indices = GC.AllocateArray<int>(2 * Rows, pinned: true);
    private readonly AgentNetworks _agent = new(s_shape, Hidden);
    private readonly RelabelOptions _options = new() { Compute = new ComputeOptions { Threads = 1 } };
    private readonly Relabeler _relabeler;
    private readonly SoftQSampler _sampler;
    private readonly ulong _networks, _draws;

    public HostWork(string path)
    {
        _library = NativeLibrary.Load(Path.GetFullPath(path));
        Random random = new(1);
        foreach (TransitionBatch batch in (TransitionBatch[])[_batch, _other])
        {
            Fill(batch.Observation);
            Fill(batch.Action);
            Fill(batch.NextObservation);
            Fill(batch.Task);
        }

        Fill(_softQ);
        _agent.Initialize(1);
        _relabeler = new Relabeler(TaskFamilies.Goal([0, 1], 0.1f), _agent, _options);
        _sampler = new SoftQSampler(_options);
        string file = Path.GetTempFileName();
        try
        {
            AgentFile.Save(_agent, file);
            fixed (byte* agentPath = Text(file), family = Text(Family), options = Text("""{"threads": 1}"""))
            {
                ulong judge, agent, networks, draws;
                ShapeView shape = new(s_shape);
                Require(((delegate* unmanaged[Cdecl]<byte*, ulong*, Status>)Find("hipifast_family_from_json"))(
                    family, &judge));
                Require(
                    ((delegate* unmanaged[Cdecl]<byte*, ShapeView*, byte*, byte*, ulong*, Status>)Find(
                        "hipifast_agent_from_file"))(agentPath, &shape, null, null, &agent));
                Require(
                    ((delegate* unmanaged[Cdecl]<ulong, ulong, byte*, ulong*, Status>)Find(
                        "hipifast_relabeler_create"))(judge, agent, options, &networks));
                Require(
                    ((delegate* unmanaged[Cdecl]<byte*, ulong*, Status>)Find("hipifast_sampler_create"))(
                        options, &draws));
                (_networks, _draws) = (networks, draws);
            }
        }
        finally
        {
            File.Delete(file);
        }

        void Fill(Span<float> values)
        {
            foreach (ref float value in values)
            {
                value = (2 * random.NextSingle()) - 1;
            }
        }
    }

    /// <summary>Bits of the library's vectors.</summary>
    public int VectorBits => ((delegate* unmanaged[Cdecl]<int>)Find("hipifast_vector_bits"))();

    /// <summary>Names, and the call on either side.</summary>
    public IEnumerable<(string Name, Action Engine, Action Library)> Pairs() =>
    [
        ($"relabel {Rows} x {Rows}, H {Hidden}, 1 thread", () => _relabeler.Relabel(_batch), LibraryRelabel()),
        ($"relabel from Q~ {Rows} x {Rows}, 1 thread", () => _sampler.Sample(_softQ, Rows, Rows), LibraryDraw()),
    ];

    public void Dispose()
    {
        _relabeler.Dispose();
        _sampler.Dispose();
        _agent.Dispose();
        _batch.Dispose();
        _other.Dispose();
    }

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    private static void Require(Status status)
    {
        if (status != Status.Ok)
        {
            throw new InvalidOperationException($"The library answers {status}.");
        }
    }

    private static float* First(Span<float> values) =>
        (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(values));

    private nint Find(string name) => NativeLibrary.GetExport(_library, name);

    private Action LibraryRelabel()
    {
        nint function = Find("hipifast_relabel");
        return () =>
        {
            BatchView view = new()
            {
                Shape = new ShapeView(s_shape),
                Rows = Rows,
                Observation = First(_other.Observation),
                Action = First(_other.Action),
                NextObservation = First(_other.NextObservation),
                Task = First(_other.Task),
                Reward = First(_other.Reward),
                Terminated = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(
                    ref MemoryMarshal.GetReference(_other.Terminated)),
            };
            Require(
                ((delegate* unmanaged[Cdecl]<ulong, BatchView*, float*, long, float*, RelabelingView*, Status>)function)(
                    _networks, &view, null, 0, null, null));
        };
    }

    private Action LibraryDraw()
    {
        nint function = Find("hipifast_sample");
        return () =>
        {
            fixed (int* indices = _indices)
            {
                DrawView draw = new()
                {
                    Index = indices, Mode = indices + Rows, LogPartition = First(_numbers),
                    Entropy = First(_numbers) + Rows,
                };
                Require(
                    ((delegate* unmanaged[Cdecl]<ulong, float*, long, long, float*, DrawView*, Status>)function)(
                        _draws, First(_softQ), Rows, Rows, null, &draw));
            }
        };
    }
}
