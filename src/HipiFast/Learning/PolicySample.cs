using System.Numerics;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;

namespace HipiFast.Learning;

/// <summary>Counter words of a draw of action noise: entry d of row r uses counter (r, d / 4 + BlockOffset, Call, Purpose).</summary>
internal readonly record struct ActionNoise(ulong Seed, uint BlockOffset, uint Call, RandomPurpose Purpose);

/// <summary>
/// Actions sampled from the actor's outputs and what the actor's gradient needs of them, for a batch. With mean and log-std l of the network and
/// a standard normal z: <c>x = mean + exp(l) z</c>, <c>a = tanh(x)</c>.
/// </summary>
/// <remarks>All <c>[rows][A]</c> without padding, so that the arithmetic runs over one flat array whatever A is.</remarks>
internal sealed unsafe class PolicySample : IDisposable
{
    private readonly int _actionDimension;
    private readonly int _pairs;
    private readonly NativeBuffer<float> _memory;
    private readonly float* _mean;
    private readonly float* _rawLogStd;
    private readonly float* _std;
    private readonly float* _noise;
    private readonly float* _slope;
    private readonly float* _term;
    private readonly float* _radiusBits;
    private readonly float* _angleBits;

    public PolicySample(int actionDimension, int capacity)
    {
        _actionDimension = actionDimension;
        _pairs = (actionDimension + 1) / 2;
        long entries = Round((long)capacity * actionDimension), pairs = Round((long)capacity * _pairs);
        _memory = new NativeBuffer<float>((7 * entries) + (2 * pairs) + Round(capacity));
        float* at = _memory.Pointer;
        _mean = Take(entries);
        _rawLogStd = Take(entries);
        _std = Take(entries);
        _noise = Take(entries);
        _slope = Take(entries);
        _term = Take(entries);
        Action = Take(entries);
        _radiusBits = Take(pairs);
        _angleBits = Take(pairs);
        LogProbability = Take(Round(capacity));

        float* Take(long length)
        {
            float* taken = at;
            at += length;
            return taken;
        }

        static long Round(long length) => (length + MlpShape.LaneCount - 1) / MlpShape.LaneCount * MlpShape.LaneCount;
    }

    /// <summary>a, <c>[rows][A]</c>.</summary>
    public float* Action { get; }

    /// <summary>log pi(a), <c>[rows]</c>, in nats.</summary>
    public float* LogProbability { get; }

    /// <summary>The mean action tanh(mean) of every row.</summary>
    /// <param name="actorOutput">Means, then log standard deviations, <c>[rows][OutputStride]</c>.</param>
    public void TakeMean(in MatrixView actorOutput)
    {
        int entries = actorOutput.Rows * _actionDimension;
        Gather(actorOutput, 0, 0, _mean);
        for (int i = 0; i < entries; i += Vector<float>.Count)
        {
            TanhGaussian.Squash(Vector.Load(_mean + i)).Store(Action + i);
        }
    }

    /// <summary>Samples an action for every row and computes its log-probability.</summary>
    /// <param name="actorOutput">Means, then log standard deviations, <c>[rows][OutputStride]</c>.</param>
    /// <param name="firstRow">
    /// Row of the batch that the first row of <paramref name="actorOutput"/> is; a multiple of 16 unless 0, so that parts of a batch never share a
    /// vector.
    /// </param>
    /// <param name="noise">Where z comes from.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Draw(in MatrixView actorOutput, int firstRow, ActionNoise noise)
    {
        int rows = actorOutput.Rows, first = firstRow * _actionDimension, end = first + (rows * _actionDimension);
        Gather(actorOutput, firstRow, 0, _mean);
        Gather(actorOutput, firstRow, _actionDimension, _rawLogStd);
        DrawNormals(firstRow, rows, noise);
        for (int i = first; i < end; i += Vector<float>.Count)
        {
            Vector<float> z = Vector.Load(_noise + i), logStd = TanhGaussian.ClampLogStd(Vector.Load(_rawLogStd + i)), std = Vector.Exp(logStd);
            Vector<float> x = Vector.Load(_mean + i) + (std * z), logDerivative = TanhGaussian.LogDerivative(x);
            std.Store(_std + i);
            TanhGaussian.Squash(x).Store(Action + i);
            Vector.Exp(logDerivative).Store(_slope + i);

            // (x - mean) / std is z itself.
            ((z * z * -0.5f) - logStd - new Vector<float>(TanhGaussian.HalfLogTwoPi) - logDerivative).Store(_term + i);
        }

        for (int row = firstRow; row < firstRow + rows; row++)
        {
            float sum = 0;
            for (int d = 0; d < _actionDimension; d++)
            {
                sum += _term[(row * _actionDimension) + d];
            }

            LogProbability[row] = sum;
        }
    }

    /// <summary>
    /// Gradient of <c>sum_b (w log pi(a_b) + f_b(a_b))</c> with respect to the actor's outputs, z held fixed:
    /// <c>dmean = f' (1 - a^2) + 2 w a</c>, <c>dlogstd = dmean std z - w</c>, zero where the log-std was clamped.
    /// </summary>
    /// <param name="actionGradient1">First part of f', <c>[batch][A]</c>.</param>
    /// <param name="actionGradient2">Second part of f', or null.</param>
    /// <param name="logProbabilityWeight">w.</param>
    /// <param name="firstRow">Row of the batch that the first row of the result is.</param>
    /// <param name="outputGradient">Receives the gradient, <c>[rows][OutputStride]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(float* actionGradient1, float* actionGradient2, float logProbabilityWeight, int firstRow, in MatrixView outputGradient)
    {
        int at = firstRow * _actionDimension;
        for (int row = 0; row < outputGradient.Rows; row++)
        {
            float* to = outputGradient.Row(row);
            for (int d = 0; d < _actionDimension; d++, at++)
            {
                float f = actionGradient1[at] + (actionGradient2 == null ? 0f : actionGradient2[at]);
                float mean = (f * _slope[at]) + (2f * logProbabilityWeight * Action[at]), raw = _rawLogStd[at];
                to[d] = mean;
                to[_actionDimension + d] =
                    raw is >= TanhGaussian.MinLogStd and <= TanhGaussian.MaxLogStd ? (mean * _std[at] * _noise[at]) - logProbabilityWeight : 0f;
            }
        }
    }

    public void Dispose() => _memory.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(in MatrixView actorOutput, int firstRow, int column, float* destination)
    {
        float* to = destination + (firstRow * _actionDimension);
        for (int row = 0; row < actorOutput.Rows; row++)
        {
            float* from = actorOutput.Row(row) + column;
            for (int d = 0; d < _actionDimension; d++)
            {
                *to++ = from[d];
            }
        }
    }

    /// <summary>
    /// Fills z: words 0 and 1 of a block give entries 4 k and 4 k + 1, words 2 and 3 the next two (<see cref="Philox.ToNormals"/>, vectorised).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DrawNormals(int firstRow, int rows, ActionNoise noise)
    {
        int first = firstRow * _pairs, end = first + (rows * _pairs), at = first;
        uint* radiusBits = (uint*)_radiusBits, angleBits = (uint*)_angleBits;
        for (int row = firstRow; row < firstRow + rows; row++)
        {
            for (int pair = 0; pair < _pairs; pair += 2)
            {
                PhiloxBlock block = Philox.Next((uint)row, (uint)(pair / 2) + noise.BlockOffset, noise.Call, (uint)noise.Purpose, noise.Seed);
                radiusBits[at] = block.X;
                angleBits[at++] = block.Y;
                if (pair + 1 < _pairs)
                {
                    radiusBits[at] = block.Z;
                    angleBits[at++] = block.W;
                }
            }
        }

        for (int i = first; i < end; i += Vector<float>.Count)
        {
            Vector<float> radius = Vector.SquareRoot(Vector.Log(ToUniform(Vector.Load(radiusBits + i))) * -2f);
            (Vector<float> sine, Vector<float> cosine) = Vector.SinCos(ToUniform(Vector.Load(angleBits + i)) * (2f * MathF.PI));
            (radius * cosine).Store(_radiusBits + i);
            (radius * sine).Store(_angleBits + i);
        }

        at = first;
        for (int row = firstRow; row < firstRow + rows; row++)
        {
            float* to = _noise + (row * _actionDimension);
            for (int d = 0; d < _actionDimension; d += 2, at++)
            {
                to[d] = _radiusBits[at];
                if (d + 1 < _actionDimension)
                {
                    to[d + 1] = _angleBits[at];
                }
            }
        }
    }

    private static Vector<float> ToUniform(Vector<uint> bits) => Vector.Min(
        (Vector.ConvertToSingle(bits) + new Vector<float>(0.5f)) * (1f / 4294967296f), new Vector<float>(1f - (1f / 16777216f)));
}
