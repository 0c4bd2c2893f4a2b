using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>
/// The rules of <c>.editorconfig</c> that are errors, read off sources and assemblies: the compiler's own style
/// analyzers, which CI runs, double the time of a build.
/// </summary>
public sealed partial class StyleTests
{
    public static TheoryData<string> Projects => [.. Project.All.Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void SourcesKeepTheRules(string name)
    {
        foreach (string file in Project.Named(name).Sources)
        {
            string text = File.ReadAllText(file), found = Broken(text);
            Assert.True(found.Length == 0, $"{Path.GetRelativePath(Repository.Root, file)}: {found}");
        }
    }

    [Theory]
    [InlineData("namespace A.B\n{\n}\n", "namespace A.B")]
    [InlineData("namespace A;\n    using B.C;\n", "using B.C;")]
    [InlineData("        this._rows = rows;\n", "this._rows")]
    [InlineData("        return String.Join(',', parts);\n", "String.")]
    [InlineData("    private Int32 _rows;\n", "Int32 ")]
    [InlineData("sealed class Batch\n", "sealed class ")]
    [InlineData("    readonly int _rows;\n", "readonly ")]
    public void EachRuleIsSeen(string text, string expected) =>
        Assert.Contains(expected, Broken(text), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Projects))]
    public void FieldsAreNamedAsTheRulesSay(string name)
    {
        using PEReader reader = new(File.OpenRead(Repository.AssemblyOf(Project.Named(name).File)));
        MetadataReader metadata = reader.GetMetadataReader();
        foreach (FieldDefinitionHandle handle in metadata.FieldDefinitions)
        {
            FieldDefinition field = metadata.GetFieldDefinition(handle);
            TypeDefinition type = metadata.GetTypeDefinition(field.GetDeclaringType());
            string found = metadata.GetString(field.Name), declaring = metadata.GetString(type.Name);

            // What the compiler makes has names that no source can have.
            if (!found.Contains('<') && !declaring.Contains('<'))
            {
                Assert.True(IsNamed(found, field.Attributes), $"{declaring}.{found} in {name}.");
            }
        }
    }

    [Theory]
    [InlineData("_rows", FieldAttributes.Private, true)]
    [InlineData("rows", FieldAttributes.Private, false)]
    [InlineData("_Rows", FieldAttributes.Private, false)]
    [InlineData("s_rows", FieldAttributes.Private | FieldAttributes.Static, true)]
    [InlineData("_rows", FieldAttributes.Private | FieldAttributes.Static, false)]
    [InlineData("MostRows", FieldAttributes.Private | FieldAttributes.Static | FieldAttributes.Literal, true)]
    [InlineData("mostRows", FieldAttributes.Public | FieldAttributes.Static | FieldAttributes.Literal, false)]
    public void EveryKindOfFieldIsToldApart(string name, FieldAttributes attributes, bool isRight) =>
        Assert.Equal(isRight, IsNamed(name, attributes));

    // _camelCase, s_camelCase for static ones, PascalCase for constants; others than private ones may be either.
    private static bool IsNamed(string name, FieldAttributes attributes)
    {
        if (attributes.HasFlag(FieldAttributes.Literal))
        {
            return !char.IsLower(name[0]) && name[0] != '_';
        }

        string prefix = attributes.HasFlag(FieldAttributes.Static) ? "s_" : "_";
        return (attributes & FieldAttributes.FieldAccessMask) != FieldAttributes.Private
            || (name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length
                && !char.IsUpper(name[prefix.Length]));
    }

    private static string Broken(string text)
    {
        Regex[] rules =
            [BlockNamespace(), InnerUsing(), Qualified(), FrameworkName(), TypeWithoutAccess(), MemberWithoutAccess()];
        return string.Join("; ", rules.Select(rule => rule.Match(text)).Where(match => match.Success).Select(
            match => match.Value.Trim('\n')));
    }

    [GeneratedRegex(@"^namespace [\w.]+\s*(?:\{|$)", RegexOptions.Multiline)]
    private static partial Regex BlockNamespace();

    [GeneratedRegex(@"^[ \t]+using (?:static )?[A-Z][\w.]*;", RegexOptions.Multiline)]
    private static partial Regex InnerUsing();

    [GeneratedRegex(@"^[^/""\n]*\bthis\.\w+", RegexOptions.Multiline)]
    private static partial Regex Qualified();

    [GeneratedRegex(
        @"^(?!\s*/)[^""\n]*(?<![\w.<""])(?:String|Boolean|Int32|Int64|UInt32|UInt64|Single|Double)(?:\.\w| \w+ ?[;=,)])",
        RegexOptions.Multiline)]
    private static partial Regex FrameworkName();

    [GeneratedRegex(
        @"^(?:(?:static|sealed|abstract|readonly|unsafe|partial|ref) )*(?:class|struct|record|enum|interface) ",
        RegexOptions.Multiline)]
    private static partial Regex TypeWithoutAccess();

    [GeneratedRegex(@"^    (?:readonly|const|override|virtual|async|extern) \w", RegexOptions.Multiline)]
    private static partial Regex MemberWithoutAccess();
}
