namespace HipiFast.Kernels.SoftQ;

/// <summary><see cref="SoftQRule"/> on one pair, each operation rounded by itself.</summary>
internal readonly struct FloatArithmetic : ISoftQArithmetic<float>
{
    public float Constant(float value) => value;

    public float Add(float a, float b) => a + b;

    public float Multiply(float a, float b) => a * b;

    public float MultiplyAdd(float a, float b, float c) => (a * b) + c;

    public float Min(float a, float b) => MathF.Min(a, b);

    public float Select(float flag, float whereZero, float elsewhere) => flag == 0f ? whereZero : elsewhere;
}
