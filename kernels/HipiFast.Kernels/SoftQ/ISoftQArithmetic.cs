namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The operations that <see cref="SoftQRule"/> is written in: on floats, on vectors of them, or in a device's kernel.
/// </summary>
/// <typeparam name="TNumber">A number, or a vector of them.</typeparam>
internal interface ISoftQArithmetic<TNumber>
    where TNumber : struct
{
    /// <summary>The same number everywhere.</summary>
    TNumber Constant(float value);

    /// <summary>a + b.</summary>
    TNumber Add(TNumber a, TNumber b);

    /// <summary>a b.</summary>
    TNumber Multiply(TNumber a, TNumber b);

    /// <summary>a b + c.</summary>
    TNumber MultiplyAdd(TNumber a, TNumber b, TNumber c);

    /// <summary>The smaller of two; which of them where one is NaN does not matter.</summary>
    TNumber Min(TNumber a, TNumber b);

    /// <summary><paramref name="whereZero"/> where the flag is 0, else <paramref name="elsewhere"/>.</summary>
    TNumber Select(TNumber flag, TNumber whereZero, TNumber elsewhere);
}
