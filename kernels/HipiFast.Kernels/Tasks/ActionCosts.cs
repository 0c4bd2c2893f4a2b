namespace HipiFast.Kernels.Tasks;

/// <summary>The action cost of the families that have one.</summary>
internal static class ActionCosts
{
    /// <summary><c>sum a^2</c>, in the order of the entries.</summary>
    public static float SumOfSquares<TVector>(TVector action)
        where TVector : struct, IVector
    {
        float sum = 0f;
        for (int i = 0; i < action.Length; i++)
        {
            sum += action[i] * action[i];
        }

        return sum;
    }
}
