namespace HipiFast.Examples.Tests;

/// <summary>Where the repository lies that these tests were built in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "HipiFast.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        return root;
    }
}
