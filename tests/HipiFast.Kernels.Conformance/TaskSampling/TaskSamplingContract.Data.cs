using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Conformance.TaskSampling;

/// <summary>Posteriors, and what is drawn from them.</summary>
public abstract partial class TaskSamplingContract
{
    private sealed class Case
    {
        public Case(int rows, int candidates)
        {
            (Rows, Candidates) = (rows, candidates);
            RandomData data = new((ulong)(rows + candidates));
            SoftQ = data.NormalsWithOutliers(rows * candidates, 2);
            LogPartition = data.Uniforms(candidates, -3, 3);
            LogPrior = data.Uniforms(candidates, -4, 0);
        }

        public float[] SoftQ { get; set; }

        public float[] LogPartition { get; set; }

        public float[] LogPrior { get; set; }

        public int Rows { get; set; }

        public int Candidates { get; set; }

        public float Temperature { get; set; } = 1;

        public ulong Seed { get; set; } = TaskSamplingContract.Seed;

        public uint Call { get; set; } = 9;

        public uint FirstRow { get; set; } = 1000;

        public TaskPosterior Posterior => new()
        {
            SoftQ = SoftQ,
            Rows = Rows,
            Candidates = Candidates,
            LogPartition = LogPartition,
            LogPrior = LogPrior,
            Temperature = Temperature,
            Seed = Seed,
            Call = Call,
            FirstRow = FirstRow,
        };
    }

    private sealed class Samples(Case data)
    {
        public int[] Index { get; } = new int[data.Rows];

        public int[] Mode { get; } = new int[data.Rows];

        public float[] Entropy { get; } = new float[data.Rows];

        public float[] LogNormalizer { get; } = new float[data.Rows];

        public void Draw(ITaskSamplingKernel kernel, Case data) => kernel.SampleTasks(
            data.Posterior,
            new TaskSamples { Index = Index, Mode = Mode, Entropy = Entropy, LogNormalizer = LogNormalizer });
    }
}
