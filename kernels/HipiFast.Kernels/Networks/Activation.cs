namespace HipiFast.Kernels.Networks;

/// <summary>What a layer makes of each of its sums.</summary>
internal enum Activation
{
    /// <summary>x.</summary>
    Identity,

    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>tanh(x).</summary>
    Tanh,

    /// <summary>x above 0, else exp(x) - 1.</summary>
    Elu,

    /// <summary>x / (1 + exp(-x)), also called swish.</summary>
    Silu,

    /// <summary>x times the normal distribution's cumulative probability of x.</summary>
    Gelu,

    /// <summary>The approximation x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 of <see cref="Gelu"/>.</summary>
    GeluTanh,
}
