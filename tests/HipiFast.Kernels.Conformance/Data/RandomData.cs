using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Conformance.Data;

/// <summary>Test data from Philox: the same for every run and machine.</summary>
internal sealed class RandomData(ulong seed)
{
    private uint _counter;

    /// <summary>Uniform in (0, 1).</summary>
    public float Uniform() => Philox.ToUniform(Next());

    /// <summary>Uniform in (low, high).</summary>
    public float Uniform(float low, float high) => low + ((high - low) * Uniform());

    /// <summary>Standard normal.</summary>
    public float Normal() => Philox.ToNormals(Next(), Next()).Cosine;

    /// <summary>Standard normals times <paramref name="scale"/>, one in 37 ten times as large.</summary>
    public float[] NormalsWithOutliers(int count, float scale)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = scale * Normal() * (i % 37 == 36 ? 10 : 1);
        }

        return values;
    }

    /// <summary>Uniform values in (low, high).</summary>
    public float[] Uniforms(int count, float low, float high)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = Uniform(low, high);
        }

        return values;
    }

    private uint Next() => Philox.Next(_counter++, 0, 0, (uint)RandomPurpose.SyntheticData, seed).X;
}
