using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Learning;

/// <summary>Counts the allocations of the whole process, so it runs while no other test does.</summary>
[CollectionDefinition(nameof(SacAllocationTests), DisableParallelization = true)]
[Collection(nameof(SacAllocationTests))]
public sealed class SacAllocationTests
{
    [Theory]
    [InlineData(16, 8, 1)]
    [InlineData(64, 70, 2)]
    [InlineData(128, 150, 2)]
    public void UpdatesAndActionsAllocateNothing(int hidden, int rows, int threads)
    {
        using SacFixture fixture = new(
            new TransitionShape(4, 2, 2), hidden, rows, new SacOptions { GradientClipNorm = 1f }, maxThreads: threads);
        float[] observation = new float[3 * 4], task = new float[3 * 2], action = new float[3 * 2];
        Run(60);

        // The test host itself allocates now and then; the learner would do so every time, whatever thread it is on.
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 40 && least > 0; attempt++)
        {
            long total = GC.GetTotalAllocatedBytes(precise: true);
            Run(5);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - total);
        }

        Assert.Equal(0, least);

        void Run(int updates)
        {
            for (int i = 0; i < updates; i++)
            {
                fixture.Learner.Update(fixture.Batch, 0, rows);
                fixture.Learner.Act(observation, task, 3, false, 1, (uint)i, action);
                fixture.Learner.Act(observation, task, 3, true, 1, (uint)i, action);
            }
        }
    }
}
