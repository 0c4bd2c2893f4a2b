using System.Text;

namespace HipiFast.Options;

/// <summary>How names in C# are written in files and on command lines.</summary>
public static class OptionNames
{
    /// <summary>Turns PascalCase into kebab-case.</summary>
    /// <param name="name">For example <c>SoftCritic</c>.</param>
    /// <returns>For example <c>soft-critic</c>.</returns>
    public static string Kebab(string name) => Separated(name, '-');

    /// <summary>The name of an enumeration's value in kebab-case.</summary>
    /// <param name="value">For example <c>SoftQEstimator.SoftCritic</c>.</param>
    /// <returns>For example <c>soft-critic</c>.</returns>
    public static string Kebab(Enum value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Kebab(value.ToString());
    }

    /// <summary>Turns PascalCase into snake_case.</summary>
    /// <param name="name">For example <c>SoftCritic</c>.</param>
    /// <returns>For example <c>soft_critic</c>.</returns>
    public static string Snake(string name) => Separated(name, '_');

    /// <summary>Turns PascalCase into words.</summary>
    /// <param name="name">For example <c>EpisodeLimit</c>.</param>
    /// <returns>For example <c>episode limit</c>.</returns>
    internal static string Words(string name) => Separated(name, ' ');

    private static string Separated(string name, char separator)
    {
        ArgumentNullException.ThrowIfNull(name);
        StringBuilder text = new();
        foreach (char letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append(separator);
            }

            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }
}
