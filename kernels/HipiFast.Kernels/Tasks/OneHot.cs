namespace HipiFast.Kernels.Tasks;

/// <summary>What a one-hot task selects, for the families that have such tasks.</summary>
internal static class OneHot
{
    /// <summary>The place of the largest of K entries; the first of equals.</summary>
    public static int Select<TVector>(TVector task, int count)
        where TVector : struct, IVector
    {
        int selected = 0;
        for (int k = 1; k < count; k++)
        {
            if (task[k] > task[selected])
            {
                selected = k;
            }
        }

        return selected;
    }
}
