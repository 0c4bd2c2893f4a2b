using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// What becomes of the networks' outputs at a pair of transition and task: twin critics, the family's judgement and the
/// entropy term, in this order. The one place that says so for all backends; loops, memory and precision are theirs.
/// </summary>
internal static class SoftQRule
{
    /// <summary>Twin critics as one value: their mean, or the smaller; NaN where either is NaN or infinite.</summary>
    /// <typeparam name="TArithmetic">The operations.</typeparam>
    /// <typeparam name="TNumber">A number, or a vector of them.</typeparam>
    /// <param name="on">The operations.</param>
    /// <param name="first">Q1.</param>
    /// <param name="second">Q2.</param>
    /// <param name="isMean">Whether they are averaged (<see cref="TwinCombination.Mean"/>).</param>
    /// <returns>The value.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TNumber Combine<TArithmetic, TNumber>(
        TArithmetic on, TNumber first, TNumber second, bool isMean)
        where TArithmetic : struct, ISoftQArithmetic<TNumber>
        where TNumber : struct
    {
        if (isMean)
        {
            return on.Multiply(on.Add(first, second), on.Constant(0.5f));
        }

        // The products are 0, or NaN where a critic is NaN or infinite: the smaller value would hide an infinite one.
        TNumber zero = on.Constant(0f);
        return on.MultiplyAdd(second, zero, on.MultiplyAdd(first, zero, on.Min(first, second)));
    }

    /// <summary>
    /// One more of several critics: the smallest so far, or their sum, of which <see cref="Joined"/> is the end.
    /// </summary>
    /// <typeparam name="TArithmetic">The operations.</typeparam>
    /// <typeparam name="TNumber">A number, or a vector of them.</typeparam>
    /// <param name="on">The operations.</param>
    /// <param name="soFar">Of the critics before.</param>
    /// <param name="next">The next one's value.</param>
    /// <param name="isMean">Whether they are averaged (<see cref="TwinCombination.Mean"/>).</param>
    /// <returns>Of the critics up to this one.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TNumber Join<TArithmetic, TNumber>(
        TArithmetic on, TNumber soFar, TNumber next, bool isMean)
        where TArithmetic : struct, ISoftQArithmetic<TNumber>
        where TNumber : struct => isMean ? on.Add(soFar, next) : Combine(on, soFar, next, isMean: false);

    /// <summary>Several critics as one value; of two it is that of <see cref="Combine"/>.</summary>
    /// <typeparam name="TArithmetic">The operations.</typeparam>
    /// <typeparam name="TNumber">A number, or a vector of them.</typeparam>
    /// <param name="on">The operations.</param>
    /// <param name="joined">What <see cref="Join"/> made of them.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="isMean">Whether they are averaged.</param>
    /// <returns>The value.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TNumber Joined<TArithmetic, TNumber>(
        TArithmetic on, TNumber joined, int count, bool isMean)
        where TArithmetic : struct, ISoftQArithmetic<TNumber>
        where TNumber : struct => isMean && count > 1 ? on.Multiply(joined, on.Constant(1f / count)) : joined;

    /// <summary>
    /// The exact value r where the task ends; with <paramref name="isBellman"/> the target r + gamma Q', of which the
    /// second term is 0 where the task ends.
    /// </summary>
    /// <typeparam name="TArithmetic">The operations.</typeparam>
    /// <typeparam name="TNumber">A number, or a vector of them.</typeparam>
    /// <param name="on">The operations.</param>
    /// <param name="value">The critics' value, of the next state for a target.</param>
    /// <param name="reward">r.</param>
    /// <param name="terminated">0 where the task goes on.</param>
    /// <param name="gamma">Discount; read for a target.</param>
    /// <param name="isBellman">Whether a target is wanted.</param>
    /// <returns>The value.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TNumber Judge<TArithmetic, TNumber>(
        TArithmetic on, TNumber value, TNumber reward, TNumber terminated, TNumber gamma, bool isBellman)
        where TArithmetic : struct, ISoftQArithmetic<TNumber>
        where TNumber : struct => isBellman
        ? on.Add(reward, on.Select(terminated, on.Multiply(value, gamma), on.Constant(0f)))
        : on.Select(terminated, value, reward);

    /// <summary>The value with the entropy term, Q - alpha log pi.</summary>
    /// <typeparam name="TArithmetic">The operations.</typeparam>
    /// <typeparam name="TNumber">A number, or a vector of them.</typeparam>
    /// <param name="on">The operations.</param>
    /// <param name="value">Q.</param>
    /// <param name="logProbability">log pi, in nats.</param>
    /// <param name="negativeAlpha">-alpha.</param>
    /// <returns>The value, in nats where rewards are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TNumber AddEntropy<TArithmetic, TNumber>(
        TArithmetic on, TNumber value, TNumber logProbability, TNumber negativeAlpha)
        where TArithmetic : struct, ISoftQArithmetic<TNumber>
        where TNumber : struct => on.MultiplyAdd(logProbability, negativeAlpha, value);
}
