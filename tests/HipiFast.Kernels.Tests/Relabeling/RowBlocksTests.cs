using HipiFast.Kernels.Relabeling;

namespace HipiFast.Kernels.Tests.Relabeling;

/// <summary>The order in which every pipeline passes over Q~.</summary>
public sealed class RowBlocksTests
{
    public static TheoryData<int, long, int> Sizes => new()
    {
        { 1, 0, 1 }, { 5, -3, 1 }, { 37, 1, 1 }, { 37, 16, 16 }, { 37, 37, 37 }, { 37, long.MaxValue, 37 },
        { 129, 64, 64 }, { 129, 100, 64 }, { 129, 128, 128 }, { 300, 200, 192 }, { int.MaxValue, 1 << 30, 1 << 30 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void BlocksAreOfMultiplesOf64WhereMoreFit(int rows, long fitting, int expected) =>
        Assert.Equal(expected, new RowBlocks(rows, fitting, true).BlockRows);

    [Theory]
    [InlineData(37, 37)]
    [InlineData(37, 16)]
    [InlineData(129, 64)]
    [InlineData(128, 64)]
    [InlineData(5, 1)]
    public void EveryRowIsSummedOnceAndThenSampledOnce(int rows, int blockRows)
    {
        foreach (bool hasPartition in (bool[])[true, false])
        {
            RowBlocks blocks = new(rows, blockRows, hasPartition);
            int summed = 0, sampled = 0, computed = 0;
            bool isFinished = !hasPartition;
            for (int i = 0; i < blocks.StepCount; i++)
            {
                RowStep step = blocks[i];
                computed += step.Rows;
                if (step.Accumulates)
                {
                    Assert.False(isFinished);
                    Assert.Equal(summed, step.First);
                    summed += step.Rows;
                }

                if (step.FinishesPartition)
                {
                    Assert.Equal(rows, summed);
                    isFinished = true;
                }

                if (step.Samples)
                {
                    Assert.True(isFinished);
                    Assert.Equal(sampled, step.First);
                    sampled += step.Rows;
                }
            }

            Assert.Equal(rows, sampled);
            Assert.Equal(hasPartition ? rows : 0, summed);

            // One block is still in memory when its rows are sampled.
            Assert.Equal(hasPartition && blockRows < rows ? 2 * rows : rows, computed);
        }
    }
}
