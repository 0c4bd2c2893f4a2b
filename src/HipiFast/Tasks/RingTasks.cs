using HipiFast.Kernels.Random;

namespace HipiFast.Tasks;

/// <summary>Places in the plane with uniform radius and uniform angle.</summary>
public sealed class RingTasks : ITaskDistribution
{
    private readonly float _leastRadius;
    private readonly float _largestRadius;
    private readonly float _unit;

    /// <summary>Fixes the radii.</summary>
    /// <param name="leastRadius">0 or more; equal to the largest for a circle.</param>
    /// <param name="largestRadius">Not below the least, above 0.</param>
    /// <param name="unit">What the emitted places are divided by, above 0.</param>
    /// <exception cref="ArgumentException">A number is out of range or not finite.</exception>
    public RingTasks(float leastRadius, float largestRadius, float unit = 1f)
    {
        bool isFinite = float.IsFinite(leastRadius) && float.IsFinite(largestRadius) && float.IsFinite(unit);
        if (!isFinite || leastRadius < 0f || largestRadius < leastRadius || largestRadius <= 0f || unit <= 0f)
        {
            throw new ArgumentException(
                $"The radii are {leastRadius} and {largestRadius} in units of {unit}; expected finite radii in order, "
                + "the last two numbers above 0.");
        }

        _leastRadius = leastRadius;
        _largestRadius = largestRadius;
        _unit = unit;
    }

    /// <inheritdoc/>
    public int TaskDimension => 2;

    /// <inheritdoc/>
    public void Sample(Span<float> task, ulong seed, uint index, uint call, RandomPurpose purpose)
    {
        PhiloxBlock words = Philox.Next(index, 0, call, (uint)purpose, seed);
        float radius = _leastRadius + ((_largestRadius - _leastRadius) * Philox.ToUniform(words.X));
        Write(task, radius, 2f * MathF.PI * Philox.ToUniform(words.Y));
    }

    /// <summary>Places spread evenly: rings of evenly spaced radii, every other ring turned by half a place.</summary>
    /// <param name="rings">Rings, 2 or more.</param>
    /// <param name="placesPerRing">Places on each, 1 or more.</param>
    /// <returns><c>[rings * placesPerRing, 2]</c>.</returns>
    public float[] Spread(int rings, int placesPerRing)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rings, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(placesPerRing, 1);
        float[] places = new float[2 * rings * placesPerRing];
        for (int k = 0; k < rings * placesPerRing; k++)
        {
            (int ring, int place) = Math.DivRem(k, placesPerRing);
            float radius = _leastRadius + ((_largestRadius - _leastRadius) * ring / (rings - 1));
            Write(places.AsSpan(2 * k), radius, 2f * MathF.PI * (place + (0.5f * (ring & 1))) / placesPerRing);
        }

        return places;
    }

    private void Write(Span<float> place, float radius, float angle)
    {
        (float sine, float cosine) = MathF.SinCos(angle);
        place[0] = radius * cosine / _unit;
        place[1] = radius * sine / _unit;
    }
}
