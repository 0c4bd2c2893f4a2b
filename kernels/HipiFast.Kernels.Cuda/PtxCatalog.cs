using System.Reflection;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda;

/// <summary>
/// The kernels that are kept ready as PTX. <c>Ptx/manifest.txt</c> lists them, one a line, fields separated by tabs:
/// the kernel's name, the full name of the task family's type or <c>-</c>, the lowest compute capability times ten, the
/// file, the entry point in it. A capability followed by <c>a</c> serves that one alone: its instructions are not in
/// later devices. Lines that begin with # and empty ones say nothing.
/// </summary>
internal sealed class PtxCatalog
{
    private const string Folder = "Ptx/";
    private const string Manifest = "manifest.txt";
    private const int Fields = 5;
    private const char ExactMark = 'a';

    private readonly Dictionary<(string Kernel, string Family), List<Entry>> _entries = [];
    private readonly Dictionary<string, string> _texts = [];
    private readonly Func<string, string?> _read;

    /// <summary>Reads a manifest.</summary>
    /// <param name="read">The text of a file by its name; null where there is none.</param>
    /// <exception cref="InvalidDataException">A line is damaged.</exception>
    public PtxCatalog(Func<string, string?> read)
    {
        _read = read;
        int number = 0;
        foreach (string line in (read(Manifest) ?? string.Empty).Split('\n', StringSplitOptions.TrimEntries))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            string[] fields = line.Split('\t');
            bool isExact = fields.Length == Fields && fields[2].EndsWith(ExactMark);
            if (fields.Length != Fields
                || !int.TryParse(isExact ? fields[2][..^1] : fields[2], out int capability))
            {
                throw new InvalidDataException(
                    $"{Manifest}, line {number}: expected kernel, family, capability, file and entry point; found "
                    + $"'{line}'.");
            }

            (string Kernel, string Family) key = (fields[0], fields[1]);
            if (!_entries.TryGetValue(key, out List<Entry>? entries))
            {
                _entries.Add(key, entries = []);
            }

            entries.Add(new Entry(capability, isExact, fields[3], fields[4]));
        }
    }

    /// <summary>The kernels kept in this assembly.</summary>
    public static PtxCatalog Embedded { get; } = new(ReadResource);

    /// <summary>Lowest compute capability times ten that any kernel was kept for; 0 when none are kept.</summary>
    public int LowestCapability => _entries.Count == 0
        ? 0
        : _entries.Values.SelectMany(entries => entries).Min(entry => entry.Capability);

    /// <summary>Every kernel and family kept.</summary>
    public IEnumerable<(string Kernel, string Family)> Keys => _entries.Keys;

    /// <summary>Finds a kernel.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="family">Full name of the task family's type; <c>-</c> for kernels without.</param>
    /// <param name="capability">Compute capability of the device times ten.</param>
    /// <returns>The kernel for the highest capability that the device has; null when none is kept.</returns>
    /// <exception cref="InvalidDataException">The manifest names a file that is not there.</exception>
    public PtxKernel? Find(string name, string family, int capability)
    {
        Entry? best = _entries.TryGetValue((name, family), out List<Entry>? entries)
            ? entries.Where(entry => entry.Serves(capability)).MaxBy(entry => (entry.Capability, entry.IsExact))
            : null;
        if (best is null)
        {
            return null;
        }

        // Kernels of one file share its text, by which the runtime knows that they share a module.
        if (!_texts.TryGetValue(best.File, out string? text))
        {
            text = _read(best.File) ?? throw new InvalidDataException(
                $"{Manifest} names the file {best.File}, which is not there.");
            _texts.Add(best.File, text);
        }

        return new PtxKernel(text, best.EntryPoint);
    }

    /// <summary>How the manifest names a family.</summary>
    /// <param name="family">The family, or null.</param>
    /// <returns>The full name of its struct; <c>-</c> for null.</returns>
    public static string FamilyName(TaskFamily? family)
    {
        if (family is null)
        {
            return "-";
        }

        NameVisitor visitor = default;
        return family.Accept<NameVisitor, string>(ref visitor);
    }

    private static string? ReadResource(string file)
    {
        using Stream? stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Folder + file);
        if (stream is null)
        {
            return null;
        }

        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    // For a capability and all later ones, or for just that one.
    private sealed record Entry(int Capability, bool IsExact, string File, string EntryPoint)
    {
        public bool Serves(int capability) => IsExact ? capability == Capability : capability >= Capability;
    }

    private readonly struct NameVisitor : ITaskFamilyVisitor<string>
    {
        public string Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily => typeof(TFamily).FullName!;
    }
}
