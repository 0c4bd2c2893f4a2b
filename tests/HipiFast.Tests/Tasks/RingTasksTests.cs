using HipiFast.Kernels.Random;
using HipiFast.Tasks;

namespace HipiFast.Tests.Tasks;

public sealed class RingTasksTests
{
    [Theory]
    [InlineData(0.05f, 0.2f, 0.24f)]
    [InlineData(3f, 3f, 3f)]
    [InlineData(0f, 1f, 1f)]
    public void RadiusAndAngleAreUniform(float least, float largest, float unit)
    {
        RingTasks tasks = new(least, largest, unit);
        const int draws = 4000;
        double radii = 0, cosine = 0, sine = 0;
        float[] task = new float[2];
        for (uint draw = 0; draw < draws; draw++)
        {
            tasks.Sample(task, 2, draw, 0, RandomPurpose.EnvironmentTask);
            double radius = unit * Math.Sqrt((task[0] * (double)task[0]) + (task[1] * (double)task[1]));
            Assert.InRange(radius, least - 1e-5, largest + 1e-5);
            radii += radius;
            cosine += unit * task[0] / Math.Max(radius, 1e-9);
            sine += unit * task[1] / Math.Max(radius, 1e-9);
        }

        // Five standard errors of the means.
        Assert.Equal((least + largest) / 2.0, radii / draws, (5 * (largest - least) / Math.Sqrt(12.0 * draws)) + 1e-5);
        Assert.Equal(0, cosine / draws, 5 / Math.Sqrt(2.0 * draws));
        Assert.Equal(0, sine / draws, 5 / Math.Sqrt(2.0 * draws));
    }

    [Fact]
    public void SpreadPlacesLieOnTheirRings()
    {
        float[] places = new RingTasks(1f, 3f, 2f).Spread(3, 4);
        Assert.Equal(24, places.Length);
        for (int k = 0; k < 12; k++)
        {
            double x = 2 * places[2 * k], y = 2 * places[(2 * k) + 1];
            Assert.Equal(1 + (k / 4), Math.Sqrt((x * x) + (y * y)), 1e-5);
        }

        // The second ring is turned by half a place of a quarter turn.
        Assert.Equal(0.5f, places[0], 1e-6f);
        Assert.Equal(MathF.Sqrt(0.5f), places[8], 1e-6f);
        Assert.Equal(MathF.Sqrt(0.5f), places[9], 1e-6f);
    }

    [Fact]
    public void BadRadiiAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new RingTasks(-1f, 1f));
        Assert.Throws<ArgumentException>(() => new RingTasks(2f, 1f));
        Assert.Throws<ArgumentException>(() => new RingTasks(0f, 0f));
        Assert.Throws<ArgumentException>(() => new RingTasks(0f, 1f, 0f));
        Assert.Throws<ArgumentException>(() => new RingTasks(0f, float.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RingTasks(0f, 1f).Spread(1, 4));
    }
}
