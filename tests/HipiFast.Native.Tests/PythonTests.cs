using System.Diagnostics;
using System.Runtime.InteropServices;
using HipiFast.Kernels.Relabeling;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Native.Tests;

/// <summary>The Python package, by tests of its own in the folder <c>Python</c>.</summary>
public sealed class PythonTests
{
    private const int Rows = 57;

    [PythonFact]
    public void ThePackageGivesWhatTheEngineGives()
    {
        _ = CLibrary.Shared;
        using TemporaryDirectory directory = new();
        WriteRelabeling(directory);
        WriteDraws(directory);
        ProcessStartInfo start = new(
            ChildProgram.At(PythonFactAttribute.Python!),
            ["-m", "unittest", "discover", "-s", Path.Combine(
                Repository.Root, "tests", "HipiFast.Native.Tests", "Python")]);
        start.Environment["PYTHONPATH"] = Path.Combine(Repository.Root, "src", "python");
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment["HIPIFAST_LIBRARY_FOLDER"] = CLibrary.Folder;
        start.Environment["HIPIFAST_TEST_DATA"] = directory.Root;
        start.Environment["HIPIFAST_TEST_ROOT"] = Repository.Root;
        using ChildProcess process = new(start);
        ProcessResult result = process.End();
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Matches("Ran [0-9]{2} tests", result.Error);
    }

    private static void WriteRelabeling(TemporaryDirectory directory)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        AgentFile.Save(agent, directory["agent.safetensors"]);
        using TransitionBatch batch = RelabelData.Batch(Rows);
        Write<float>(directory, "observation", batch.Observation);
        Write<float>(directory, "action", batch.Action);
        Write<float>(directory, "next_observation", batch.NextObservation);
        Write<float>(directory, "task", batch.Task);
        Matrices seen = new();
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, agent, new RelabelOptions { Candidates = CandidateSource.Both, Seed = 7 })
        {
            Observer = seen,
        };
        RelabelResult result = relabeler.Relabel(batch);
        Write<float>(directory, "soft_q", CollectionsMarshal.AsSpan(seen.SoftQ));
        Write<float>(directory, "posterior", CollectionsMarshal.AsSpan(seen.Posterior));
        Write(directory, "log_z", result.LogPartition);
        Write(directory, "index", result.TaskIndex);
        Write<float>(directory, "new_task", batch.Task);
        Write<float>(directory, "reward", batch.Reward);
        Write<byte>(directory, "terminated", batch.Terminated);
    }

    private static void WriteDraws(TemporaryDirectory directory)
    {
        float[] softQ = CLibraryTests.Uniforms(64 * 33, 9), posterior = new float[softQ.Length];
        using SoftQSampler sampler = new(new RelabelOptions { Seed = 11, Temperature = 0.5f });
        SoftQSample sample = sampler.Sample(softQ, 64, 33, default, posterior);
        Write<float>(directory, "matrix", softQ);
        Write(directory, "draw_index", sample.Index);
        Write(directory, "draw_mode", sample.Mode);
        Write(directory, "draw_log_z", sample.LogPartition);
        Write(directory, "draw_entropy", sample.Entropy);
        Write<float>(directory, "draw_posterior", posterior);
    }

    private static void Write<T>(TemporaryDirectory directory, string name, ReadOnlySpan<T> values)
        where T : unmanaged => File.WriteAllBytes(directory[name + ".bin"], MemoryMarshal.AsBytes(values));

    private sealed class Matrices : IRelabelObserver
    {
        public List<float> SoftQ { get; } = [];

        public List<float> Posterior { get; } = [];

        public bool WantsPosterior => true;

        public void OnBlock(in RelabelBlock block)
        {
            SoftQ.AddRange(block.SoftQ);
            Posterior.AddRange(block.Posterior);
        }
    }
}

/// <summary>A test that runs Python with numpy; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute() => Skip = CLibrary.WhyNot ?? (Python is null
        ? "no python3 with numpy was found (apt-get install python3-numpy)" : null);

    /// <summary>The first of the system's and the search path's that has numpy.</summary>
    public static string? Python { get; } = Find();

    private static string? Find()
    {
        foreach (string program in (string[])["/usr/bin/python3", InPath()])
        {
            if (!File.Exists(program))
            {
                continue;
            }

            using ChildProcess process = new(new ProcessStartInfo(ChildProgram.At(program), ["-c", "import numpy"]));
            if (process.End().ExitCode == 0)
            {
                return program;
            }
        }

        return null;
    }

    private static string InPath()
    {
        try
        {
            return ChildProgram.Find("python3");
        }
        catch (FileNotFoundException)
        {
            return string.Empty;
        }
    }
}
