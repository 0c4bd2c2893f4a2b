using HipiFast.Kernels.Random;
using HipiFast.Tasks;

namespace HipiFast.Tests.Tasks;

public sealed class UniformTasksTests
{
    [Fact]
    public void EntriesAreUniformInTheirIntervalsAndIndependent()
    {
        // More entries than one block of random words, one of them fixed.
        float[] low = [-1f, 0f, 2f, 5f, -3f, 0f], high = [1f, 3f, 2.5f, 5f, -1f, 1f];
        UniformTasks tasks = new(low, high);
        const int draws = 4000;
        double[] sum = new double[low.Length], squares = new double[low.Length];
        double product = 0;
        float[] task = new float[low.Length];
        for (uint draw = 0; draw < draws; draw++)
        {
            tasks.Sample(task, 1, draw, 0, RandomPurpose.EnvironmentTask);
            for (int i = 0; i < task.Length; i++)
            {
                Assert.InRange(task[i], low[i], high[i]);
                sum[i] += task[i];
                squares[i] += task[i] * (double)task[i];
            }

            product += (task[0] - 0.0) * (task[4] + 2.0);
        }

        for (int i = 0; i < low.Length; i++)
        {
            // Five standard errors of a uniform's mean, and the variance of a uniform to 10%.
            double width = high[i] - low[i], mean = sum[i] / draws;
            Assert.Equal((low[i] + high[i]) / 2.0, mean, (5 * width / Math.Sqrt(12.0 * draws)) + 1e-6);
            Assert.Equal(width * width / 12, (squares[i] / draws) - (mean * mean), (0.1 * width * width / 12) + 1e-6);
        }

        Assert.Equal(0, product / draws, 5 * (1 / 3.0) / Math.Sqrt(draws));
    }

    [Fact]
    public void BadBoundsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new UniformTasks([], []));
        Assert.Throws<ArgumentException>(() => new UniformTasks([0f], [1f, 2f]));
        Assert.Throws<ArgumentException>(() => new UniformTasks([1f], [0f]));
        Assert.Throws<ArgumentException>(() => new UniformTasks([float.NaN], [0f]));
        Assert.Throws<ArgumentException>(() => new UniformTasks([0f], [float.PositiveInfinity]));
    }
}
