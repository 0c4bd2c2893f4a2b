using System.Globalization;

namespace HipiFast.Kernels.Cuda;

/// <summary>
/// The parameters of a kernel as its PTX declares them, so that a launch that does not fit is refused before the device
/// reads past them.
/// </summary>
internal static class PtxParameters
{
    /// <summary>Bytes of a view: the address and the number of elements, 64 bits each.</summary>
    public const int ViewBytes = 16;

    /// <summary>Reads the sizes of a kernel's parameters.</summary>
    /// <param name="text">PTX.</param>
    /// <param name="entryPoint">Name of the kernel.</param>
    /// <returns>Bytes of each parameter, in order.</returns>
    /// <exception cref="InvalidDataException">
    /// The kernel is not there, or a parameter is declared in a way that is not known.
    /// </exception>
    public static int[] Read(string text, string entryPoint)
    {
        int begin = FindEntry(text, entryPoint);
        int end = begin < 0 ? -1 : text.IndexOf(')', begin);
        if (end < 0)
        {
            throw new InvalidDataException($"The PTX holds no kernel '{entryPoint}'.");
        }

        string[] parameters = text[begin..end].Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Array.ConvertAll(parameters, parameter => SizeOf(parameter, entryPoint));
    }

    /// <summary>Whether a module asks for shared memory whose size the launch decides.</summary>
    /// <param name="text">PTX.</param>
    /// <returns>True when it does.</returns>
    public static bool UsesDynamicSharedMemory(string text) =>
        text.Contains(".extern .shared", StringComparison.Ordinal);

    // Where the parameters begin, after the parenthesis; -1 when the kernel is not there.
    private static int FindEntry(string text, string entryPoint)
    {
        const string Directive = ".entry";
        for (int at = text.IndexOf(Directive, StringComparison.Ordinal); at >= 0; at = text.IndexOf(
            Directive, at + 1, StringComparison.Ordinal))
        {
            int open = text.IndexOf('(', at);
            if (open >= 0 && text[(at + Directive.Length)..open].Trim() == entryPoint)
            {
                return open + 1;
            }
        }

        return -1;
    }

    // ".param .b32 name" or ".param .align 8 .b8 name[16]"
    private static int SizeOf(string parameter, string entryPoint)
    {
        foreach (string word in parameter.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            int bits = word.Length > 2 && word[0] == '.' && word[1] is 'b' or 'u' or 's' or 'f'
                && int.TryParse(word.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int parsed)
                    ? parsed
                    : 0;
            if (bits > 0)
            {
                int open = parameter.IndexOf('['), close = parameter.IndexOf(']');
                int count = open < 0 ? 1 : int.Parse(
                    parameter.AsSpan(open + 1, close - open - 1), NumberStyles.None, CultureInfo.InvariantCulture);
                return bits / 8 * count;
            }
        }

        throw new InvalidDataException($"The kernel '{entryPoint}' has a parameter of an unknown kind: '{parameter}'.");
    }
}
