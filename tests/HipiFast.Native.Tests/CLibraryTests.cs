using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;
using HipiFast.Testing;

namespace HipiFast.Native.Tests;

/// <summary>The C library does what the engine does, bit for bit.</summary>
public sealed unsafe class CLibraryTests
{
    private const string Goal = """{"kind": "goal", "achieved": [0, 1], "margin": 0.5}""";

    private const int Rows = 57;

    [CLibraryFact]
    public void TheLevelOfTheMachineIsChosen()
    {
        CLibrary c = CLibrary.Shared;
        Assert.Equal(c.Levels.Contains(CLibrary.OwnLevel) ? CLibrary.OwnLevel : c.Levels[0], c.Level);
        Assert.Equal(Exports.AbiVersion, c.AbiVersion());
        if (c.Level == CLibrary.OwnLevel)
        {
            Assert.Equal(VectorKinds.Bits(VectorKinds.Best), c.VectorBits());
        }
    }

    [CLibraryFact]
    public void TheCProgramOfThePageRuns()
    {
        _ = CLibrary.Shared;
        using TemporaryDirectory directory = new();
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "embedding.md"));
        string function = page.Split("```c\n")[1].Split("```")[0];
        File.WriteAllText(
            directory["program.c"],
            function + """
            int main(void) {
                const float soft_q[6] = {9, 0, 0, 0, 9, 0};
                int32_t index[2] = {-1, -1};
                int status = draw(soft_q, 2, 3, index);
                printf("%s %d %d %d\n", hipifast_version(), status, index[0], index[1]);
                return draw(soft_q, -2, 3, index) == HIPIFAST_INVALID_ARGUMENT ? 0 : 1;
            }
            """);
        ProcessResult compiled = Run(
            ChildProgram.Find("gcc"), "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", directory["program.c"],
            "-I", CLibrary.Folder, "-L", CLibrary.Folder, "-lhipifast_c", $"-Wl,-rpath,{CLibrary.Folder}", "-o",
            directory["program"]);
        Assert.True(compiled.ExitCode == 0, compiled.Error);
        ProcessResult ran = Run(directory["program"]);
        Assert.True(ran.ExitCode == 0, ran.Output + ran.Error);
        Assert.Matches("^[0-9.]+ 0 [0-2] [0-2]\n$", ran.Output);
        Assert.Equal("There are -2 rows; expected 1 to 2147483647.\n", ran.Error);
    }

    [CLibraryFact]
    public void AnotherLevelIsAskedForByTheEnvironment()
    {
        _ = CLibrary.Shared;
        const string Level = "import ctypes, sys; c = ctypes.CDLL(sys.argv[1]); c.hipifast_level.restype = "
            + "c.hipifast_last_error.restype = ctypes.c_char_p; print(c.hipifast_level(), c.hipifast_last_error(), "
            + "c.hipifast_destroy(1))";
        ProcessStartInfo start = new(
            ChildProgram.Find("python3"), ["-c", Level, Path.Combine(CLibrary.Folder, CLibrary.FileName)]);
        start.Environment["HIPIFAST_LEVEL"] = "x86-64-v9";
        using ChildProcess process = new(start);
        Assert.Matches(
            "^b'' b\"HIPIFAST_LEVEL is 'x86-64-v9', which this processor does not have; expected [a-z0-9-]+ or a lower "
            + "level.\" 10\n$",
            process.End().Output);
    }

    [CLibraryFact]
    public void EveryOptionOfTheEngineIsUnderstood()
    {
        CLibrary c = CLibrary.Shared;
        ulong family = c.Family(Goal);
        string json = OptionKeys<RelabelOptions>.ToJson(new RelabelOptions());
        Assert.Contains("\"temperature\"", json, StringComparison.Ordinal);
        Assert.Contains("\"backend\"", json, StringComparison.Ordinal);
        c.Require(c.Destroy(c.Relabeler(family, 0, json)));

        fixed (byte* wrong = CLibrary.Utf8("""{"temperatur": 1}"""))
        {
            ulong none = 1;
            Assert.Equal(Status.InvalidData, c.CreateRelabeler(family, 0, wrong, &none));
            Assert.Equal(0u, none);
            Assert.Equal("Unknown key 'temperatur' in the options (did you mean 'temperature'?).", c.LastError);
        }

        c.Require(c.Destroy(family));
    }

    [CLibraryFact]
    public void NetworksRelabelAsTheEngineDoes()
    {
        CLibrary c = CLibrary.Shared;
        using TemporaryDirectory directory = new();
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        AgentFile.Save(agent, directory["agent.safetensors"]);
        ulong networks;
        ShapeView shape = new(RelabelData.Shape);
        fixed (byte* path = CLibrary.Utf8(directory["agent.safetensors"]))
        {
            c.Require(c.AgentFromFile(path, &shape, null, null, &networks));
        }

        ulong family = c.Family(Goal);
        foreach (string source in (string[])["commanded", "reached", "both"])
        {
            foreach (string estimator in (string[])["critic", "soft-critic", "bellman"])
            {
                string options = $$"""{"candidates": "{{source}}", "estimator": "{{estimator}}", "seed": 7}""";
                using Relabeler expected = new(RelabelData.GoalFamily, agent, Read(options));
                ulong relabeler = c.Relabeler(family, networks, options);
                for (uint call = 0; call < 3; call++)
                {
                    using TransitionBatch one = RelabelData.Batch(Rows, call), other = RelabelData.Batch(Rows, call);
                    Observed seen = new();
                    expected.Observer = seen;
                    RelabelResult result = expected.Relabel(one);
                    Outcome found = new(2 * Rows, Rows);
                    BatchView view = View(other);
                    RelabelingView numbers = found.View;
                    c.Require(c.Relabel(relabeler, &view, null, 0, null, &numbers));
                    Assert.Equal(RelabelData.Contents(one), RelabelData.Contents(other));
                    AssertSame(result, seen, found, numbers);
                }

                c.Require(c.Destroy(relabeler));
            }
        }

        c.Require(c.Destroy(networks));
        c.Require(c.Destroy(family));
    }

    [CLibraryFact]
    public void AMatrixRelabelsAsTheEngineDoes()
    {
        CLibrary c = CLibrary.Shared;
        ulong family = c.Family(Goal);
        foreach (string more in (string[])
            ["", ", \"partition\": \"none\"", ", \"temperature\": 0", ", \"assign\": \"task\""])
        {
            string options = $$"""{"seed": 3, "relabel_fraction": 1{{more}}}""";
            using Relabeler expected = new(RelabelData.GoalFamily, null, Read(options));
            ulong relabeler = c.Relabeler(family, 0, options);
            bool byTask = more.Contains("task", StringComparison.Ordinal);
            using TransitionBatch one = RelabelData.Batch(Rows), other = RelabelData.Batch(Rows);
            float[] softQ = Uniforms(Rows * Rows, 5);
            Observed seen = new();
            expected.Observer = byTask ? null : seen;
            RelabelResult result = expected.RelabelBySoftQ(one, softQ);
            Outcome found = new(Rows, Rows);
            BatchView view = View(other);
            RelabelingView numbers = found.View;
            if (byTask)
            {
                numbers.SoftQ = numbers.Posterior = null;
            }

            fixed (float* q = softQ)
            {
                c.Require(c.RelabelFromQ(relabeler, &view, q, Rows, null, 0, null, &numbers));
            }

            Assert.Equal(RelabelData.Contents(one), RelabelData.Contents(other));
            AssertSame(result, byTask ? null : seen, found, numbers);
            c.Require(c.Destroy(relabeler));
        }

        c.Require(c.Destroy(family));
    }

    [CLibraryFact]
    public void GivenCandidatesAndAPriorAreRead()
    {
        CLibrary c = CLibrary.Shared;
        ulong family = c.Family(Goal), relabeler = c.Relabeler(family, 0, """{"relabel_fraction": 1}""");
        using Relabeler expected = new(RelabelData.GoalFamily, null, new RelabelOptions { RelabelFraction = 1 });
        using TransitionBatch one = RelabelData.Batch(Rows), other = RelabelData.Batch(Rows);
        float[] tasks = Uniforms(5 * 2, 1), prior = [0, -1, float.NegativeInfinity, 2, 0];
        float[] softQ = Uniforms(Rows * 5, 2);
        RelabelResult result = expected.RelabelBySoftQ(one, softQ, tasks, prior);
        Outcome found = new(5, Rows);
        BatchView view = View(other);
        RelabelingView numbers = found.View;
        numbers.SoftQ = numbers.Posterior = null;
        fixed (float* q = softQ, psi = tasks, p = prior)
        {
            c.Require(c.RelabelFromQ(relabeler, &view, q, 5, psi, 5, p, &numbers));
        }

        Assert.Equal(RelabelData.Contents(one), RelabelData.Contents(other));
        Assert.DoesNotContain(2, found.TaskIndex);
        AssertSame(result, null, found, numbers);
        c.Require(c.Destroy(relabeler));
        c.Require(c.Destroy(family));
    }

    [CLibraryFact]
    public void AMatrixAloneIsDrawnFromAsTheEngineDoes()
    {
        CLibrary c = CLibrary.Shared;
        using SoftQSampler expected = new(new RelabelOptions { Seed = 11, Temperature = 0.5f });
        ulong sampler;
        fixed (byte* options = CLibrary.Utf8("""{"seed": 11, "temperature": 0.5}"""))
        {
            c.Require(c.CreateSampler(options, &sampler));
        }

        float[] softQ = Uniforms(64 * 33, 9), posterior = new float[64 * 33], other = new float[64 * 33];
        float[] logPartition = new float[33], entropy = new float[64];
        int[] index = new int[64], mode = new int[64];
        for (int call = 0; call < 2; call++)
        {
            SoftQSample sample = expected.Sample(softQ, 64, 33, default, posterior);
            fixed (float* q = softQ, z = logPartition, h = entropy, p = other)
            fixed (int* i = index, m = mode)
            {
                DrawView draw = new() { Index = i, LogPartition = z, Mode = m, Entropy = h, Posterior = p };
                c.Require(c.Sample(sampler, q, 64, 33, null, &draw));
            }

            Assert.Equal(sample.Index, index);
            Assert.Equal(sample.LogPartition, logPartition);
            Assert.Equal(sample.Mode, mode);
            Assert.Equal(sample.Entropy, entropy);
            Assert.Equal(posterior, other);
        }

        uint next;
        c.Require(c.GetCall(sampler, &next));
        Assert.Equal(2u, next);
        c.Require(c.SetCall(sampler, 1));
        c.Require(c.Destroy(sampler));
    }

    [CLibraryFact]
    public void AFamilyOfFunctionsJudgesLikeABuiltInOne()
    {
        CLibrary c = CLibrary.Shared;
        using TransitionBatch one = RelabelData.Batch(Rows), other = RelabelData.Batch(Rows);
        float[] softQ = Uniforms(Rows * 2 * Rows, 4);
        const string Options = """{"candidates": "both", "relabel_fraction": 0.7}""";
        using Relabeler expected = new(RelabelData.GoalFamily, null, Read(Options));
        expected.RelabelBySoftQ(one, softQ);
        int calls = 0;
        ulong family;
        c.Require(c.FamilyFromFunctions(
            2, &calls, (delegate* unmanaged[Cdecl]<void*, FunctionPairs*, int>)&JudgeGoal,
            (delegate* unmanaged[Cdecl]<void*, float*, float*, long, int, float*, int>)&AchievedGoal, &family));
        ulong relabeler = c.Relabeler(family, 0, Options);
        BatchView view = View(other);
        fixed (float* q = softQ)
        {
            c.Require(c.RelabelFromQ(relabeler, &view, q, 2 * Rows, null, 0, null, null));
            Assert.Equal(RelabelData.Contents(one), RelabelData.Contents(other));
            Assert.True(calls > 0);

            // Whose failure leaves the batch alone.
            calls = int.MinValue;
            Assert.Equal(
                Status.FunctionFailed, c.RelabelFromQ(relabeler, &view, q, 2 * Rows, null, 0, null, null));
            Assert.Equal("The task family's function 'judge' returned 5; expected 0.", c.LastError);
            Assert.Equal(RelabelData.Contents(one), RelabelData.Contents(other));
        }

        c.Require(c.Destroy(relabeler));
        c.Require(c.Destroy(family));
    }

    [CLibraryFact]
    public void ASecondThreadIsToldToWait()
    {
        CLibrary c = CLibrary.Shared;
        using ManualResetEventSlim entered = new(), leave = new();
        s_entered = entered;
        s_leave = leave;
        ulong family;
        c.Require(c.FamilyFromFunctions(
            2, null, (delegate* unmanaged[Cdecl]<void*, FunctionPairs*, int>)&JudgeSlowly, null, &family));
        ulong relabeler = c.Relabeler(family, 0, """{"relabel_fraction": 1}""");
        using TransitionBatch batch = RelabelData.Batch(3), other = RelabelData.Batch(3);
        float[] softQ = Uniforms(9, 4);
        Task<Status> first = Task.Run(() => Call(c, relabeler, batch, softQ));
        entered.Wait();
        Assert.Equal(Status.Busy, Call(c, relabeler, other, softQ));
        Assert.Equal(Status.Busy, c.Destroy(relabeler));
        leave.Set();
        Assert.Equal(Status.Ok, first.Result);
        c.Require(c.Destroy(relabeler));
        c.Require(c.Destroy(family));

        static Status Call(CLibrary c, ulong relabeler, TransitionBatch batch, float[] softQ)
        {
            BatchView view = View(batch);
            fixed (float* q = softQ)
            {
                return c.RelabelFromQ(relabeler, &view, q, 3, null, 0, null, null);
            }
        }
    }

    [CLibraryFact]
    public void WhatIsDestroyedIsNothing()
    {
        CLibrary c = CLibrary.Shared;
        ulong family = c.Family(Goal), relabeler = c.Relabeler(family, 0, "{}");

        // A relabeler outlives the handle of its family.
        c.Require(c.Destroy(family));
        Assert.Equal(Status.InvalidHandle, c.Destroy(family));
        Assert.Contains("nothing, or destroyed", c.LastError, StringComparison.Ordinal);
        int width;
        Assert.Equal(Status.InvalidHandle, c.TaskDimension(family, &width));
        Assert.Equal(Status.InvalidHandle, c.TaskDimension(relabeler, &width));
        Assert.Contains("of another kind; expected that of a task family", c.LastError, StringComparison.Ordinal);
        c.Require(c.Destroy(relabeler));
        c.Require(c.Destroy(0));
    }

    internal static BatchView View(TransitionBatch batch) => new()
    {
        Shape = new ShapeView(batch.Shape),
        Rows = batch.Count,
        Observation = First(batch.Observation),
        Action = First(batch.Action),
        NextObservation = First(batch.NextObservation),
        Task = First(batch.Task),
        Reward = First(batch.Reward),
        Terminated = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(batch.Terminated)),
    };

    internal static float[] Uniforms(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (4 * random.NextSingle()) - 2)];
    }

    private static ProcessResult Run(string program, params string[] arguments)
    {
        using ChildProcess process = new(new ProcessStartInfo(ChildProgram.At(program), arguments));
        return process.End();
    }

    private static RelabelOptions Read(string json) =>
        OptionLayer<RelabelOptions>.Parse(json, string.Empty).Apply(new RelabelOptions());

    private static float* First(Span<float> values) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(values));

    private static void AssertSame(
        in RelabelResult expected, Observed? seen, Outcome found, in RelabelingView numbers)
    {
        int candidates = expected.Candidates.Length / 2;
        Assert.Equal(candidates, numbers.Candidates);
        Assert.Equal(expected.TaskIndex, found.TaskIndex);
        Assert.Equal(expected.Relabeled, found.Relabeled);
        Assert.Equal(expected.Candidates, found.CandidateTask.AsSpan(0, 2 * candidates));
        Assert.Equal(
            expected.LogPartition.IsEmpty ? new float[candidates] : expected.LogPartition,
            found.LogPartition.AsSpan(0, candidates));
        Assert.Equal(expected.Diagnostics.PosteriorEntropy, numbers.PosteriorEntropy);
        Assert.Equal(expected.Diagnostics.KlFromCommanded, numbers.KlFromCommanded);
        Assert.Equal(expected.Diagnostics.RelabeledShare, numbers.RelabeledShare);
        Assert.Equal(expected.Diagnostics.TerminatedShare, numbers.TerminatedShare);
        if (seen is not null)
        {
            Assert.Equal(seen.SoftQ, found.SoftQ.Take(seen.SoftQ.Count));
            Assert.Equal(seen.Posterior, found.Posterior.Take(seen.Posterior.Count));
        }
    }

    private static ManualResetEventSlim? s_entered, s_leave;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int JudgeGoal(void* context, FunctionPairs* pairs)
    {
        if (++*(int*)context < 0)
        {
            return 5;
        }

        for (long row = 0; row < pairs->Rows; row++)
        {
            long tasks = Math.Max(1, pairs->Tasks);
            for (long k = 0; k < tasks; k++)
            {
                float* task = pairs->Task + (2 * (pairs->Tasks == 0 ? row : k));
                float* s = pairs->Observation + (row * pairs->ObservationDimension);
                float x = s[0] - task[0], y = s[1] - task[1];
                bool isReached = MathF.Sqrt((x * x) + (y * y)) <= 0.5f;
                pairs->Reward[(row * tasks) + k] = isReached ? 0 : -1;
                pairs->Terminated[(row * tasks) + k] = isReached ? (byte)1 : (byte)0;
            }
        }

        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AchievedGoal(
        void* context, float* observation, float* commanded, long rows, int width, float* task)
    {
        for (long row = 0; row < rows; row++)
        {
            task[2 * row] = observation[row * width];
            task[(2 * row) + 1] = observation[(row * width) + 1];
        }

        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int JudgeSlowly(void* context, FunctionPairs* pairs)
    {
        s_entered!.Set();
        s_leave!.Wait();
        new Span<float>(pairs->Reward, (int)(pairs->Rows * Math.Max(1, pairs->Tasks))).Clear();
        new Span<byte>(pairs->Terminated, (int)(pairs->Rows * Math.Max(1, pairs->Tasks))).Clear();
        return 0;
    }

    /// <summary>Room for what a call says.</summary>
    private sealed class Outcome(int candidates, int rows)
    {
        public int[] TaskIndex { get; } = GC.AllocateArray<int>(rows, pinned: true);

        public byte[] Relabeled { get; } = GC.AllocateArray<byte>(rows, pinned: true);

        public float[] CandidateTask { get; } = GC.AllocateArray<float>(2 * candidates, pinned: true);

        public float[] LogPartition { get; } = GC.AllocateArray<float>(candidates, pinned: true);

        public float[] SoftQ { get; } = GC.AllocateArray<float>(rows * candidates, pinned: true);

        public float[] Posterior { get; } = GC.AllocateArray<float>(rows * candidates, pinned: true);

        public RelabelingView View => new()
        {
            CandidateRoom = candidates,
            TaskIndex = (int*)Unsafe.AsPointer(ref TaskIndex[0]),
            Relabeled = (byte*)Unsafe.AsPointer(ref Relabeled[0]),
            CandidateTask = First(CandidateTask),
            LogPartition = First(LogPartition),
            SoftQ = First(SoftQ),
            Posterior = First(Posterior),
        };
    }

    private sealed class Observed : Kernels.Relabeling.IRelabelObserver
    {
        public List<float> SoftQ { get; } = [];

        public List<float> Posterior { get; } = [];

        public bool WantsPosterior => true;

        public void OnBlock(in Kernels.Relabeling.RelabelBlock block)
        {
            SoftQ.AddRange(block.SoftQ);
            Posterior.AddRange(block.Posterior);
        }
    }
}
