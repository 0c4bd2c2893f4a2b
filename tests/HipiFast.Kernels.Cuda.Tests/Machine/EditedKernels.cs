using System.Text.RegularExpressions;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>A deliberate mistake in a kernel's PTX.</summary>
/// <param name="File">The kept file.</param>
/// <param name="Pattern">What is replaced.</param>
/// <param name="Replacement">By what.</param>
/// <param name="Occurrence">Which of the places, from 0 on; -1 for all.</param>
internal sealed record KernelEdit(string File, string Pattern, string Replacement, int Occurrence)
{
    /// <summary>Whether a kernel of the file has been asked for.</summary>
    public bool IsRead { get; private set; }

    /// <summary>How many places there are.</summary>
    public static int Count(string file, string pattern) => Regex.Count(Read(file)!, pattern);

    /// <summary>The kept kernels with the mistake in one.</summary>
    public PtxCatalog Catalog()
    {
        string edited = Apply(Read(File)!);
        return new PtxCatalog(file =>
        {
            IsRead |= file == File;
            return file == File ? edited : Read(file);
        });
    }

    private static string? Read(string file)
    {
        using Stream? stream = typeof(CudaBackend).Assembly.GetManifestResourceStream("Ptx/" + file);
        using StreamReader? reader = stream is null ? null : new(stream);
        return reader?.ReadToEnd();
    }

    private string Apply(string text)
    {
        int place = 0;
        string edited = Regex.Replace(
            text, Pattern,
            match => Occurrence < 0 || place++ == Occurrence ? match.Result(Replacement) : match.Value);
        return edited != text
            ? edited
            : throw new InvalidOperationException($"{File} has no place {Occurrence} of '{Pattern}'.");
    }
}

/// <summary>What becomes of a mistake.</summary>
internal static class Outcome
{
    /// <summary>No fault, but results that the suites do not take.</summary>
    public const string WrongAnswer = "wrong-answer";

    /// <summary>Q~ against the double-precision oracle, in bf16 against what rounding makes of it.</summary>
    /// <returns>A fault's name, <see cref="WrongAnswer"/>, or nothing when all is as it should be.</returns>
    public static string OfSoftQ(
        PtxCatalog catalog, KernelPrecision precision, SoftQEstimator estimator, int hidden, int rows = 20,
        int candidates = 19, TaskFamily? family = null, bool isStrict = false)
    {
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator, Family = family };
        return Of(
            catalog, precision,
            precision == KernelPrecision.Fp32
                ? data.AssertConforms
                : session => Bf16SoftQReference.AssertExact(session, data),
            isStrict: isStrict);
    }

    /// <summary>Two relabel calls, the second as a graph, against the same on the processor.</summary>
    public static string OfRelabeling(
        PtxCatalog catalog, KernelPrecision precision, int rows = 133, string forgotten = "")
    {
        RelabelOptions options = new() { RelabelFraction = 0.8f, ExactTerminalValue = false, Seed = 5 };
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, hidden: 20);
        using ComputeSession reference = KernelRegistry.Default.Resolve("managed").CreateSession(default);
        using Relabeler host = new(reference, RelabelData.GoalFamily, agent, options);
        return Of(catalog, precision, session =>
        {
            using Relabeler device = new(session, RelabelData.GoalFamily, agent, options);
            for (uint call = 0; call < 3; call++)
            {
                AssertSame(host, device, rows, call, precision);
            }
        },
        forgotten);
    }

    /// <summary>Whatever work on a session comes to.</summary>
    /// <param name="catalog">The kernels.</param>
    /// <param name="precision">Their arithmetic.</param>
    /// <param name="work">The work.</param>
    /// <param name="forgotten">A call of the driver that does nothing.</param>
    /// <param name="isStrict">
    /// Whether kernels in bf16, too, may read nothing that nobody has written: true of tiles without pairs that nobody
    /// asked for.
    /// </param>
    public static string Of(
        PtxCatalog catalog, KernelPrecision precision, Action<ComputeSession> work, string forgotten = "",
        bool isStrict = false)
    {
        FakeDriver fake = MachineBackend.Start();
        fake.InstructionLimit = 50_000_000;
        fake.AllowsUnwritten = precision == KernelPrecision.Bf16 && !isStrict;
        fake.Skip(forgotten);
        return Of(fake, () =>
        {
            using ComputeSession session = new CudaBackend(FakeDriver.Path, catalog, precision).CreateSession(default);
            work(session);
        });
    }

    /// <summary>Whatever work on a driver comes to.</summary>
    public static string Of(FakeDriver fake, Action work)
    {
        try
        {
            work();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A call that stumbles over what came out, or refuses it, is as good as a wrong answer.
            return fake.Fault.Length > 0 ? fake.Fault.Split(':')[0] : WrongAnswer;
        }

        return fake.Fault.Split(':')[0];
    }

    private static void AssertSame(Relabeler host, Relabeler device, int rows, uint call, KernelPrecision precision)
    {
        using TransitionBatch expected = RelabelData.Batch(rows, call), found = RelabelData.Batch(rows, call);
        RelabelResult right = host.Relabel(expected), result = device.Relabel(found);
        float tolerance = precision == KernelPrecision.Fp32 ? 2e-4f : 2e-2f;
        Assert.Equal(right.LogPartition.Length, result.LogPartition.Length);
        for (int i = 0; i < right.LogPartition.Length; i++)
        {
            Assert.Equal(right.LogPartition[i], result.LogPartition[i], tolerance);
        }

        RelabelData.AssertJudged(RelabelData.GoalFamily, found);
        if (precision == KernelPrecision.Fp32)
        {
            Assert.Equal(right.TaskIndex.ToArray(), result.TaskIndex.ToArray());
            Assert.Equal(expected.Task.ToArray(), found.Task.ToArray());
            Assert.Equal(right.Diagnostics.PosteriorEntropy, result.Diagnostics.PosteriorEntropy, tolerance);
            Assert.Equal(right.Diagnostics.CommandedIsMode, result.Diagnostics.CommandedIsMode, tolerance);
        }
    }
}
