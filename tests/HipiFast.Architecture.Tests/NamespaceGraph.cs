using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace HipiFast.Architecture.Tests;

/// <summary>
/// Which namespaces of one assembly use which others of it: by what its sources say (<c>using</c> directives, and names
/// that begin with a namespace), and by what the compiled types refer to in members and method bodies.
/// </summary>
internal sealed partial class NamespaceGraph
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
            | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_codes = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    private readonly Dictionary<(string From, string To), string> _arrows = [];
    private readonly HashSet<string> _namespaces = [];
    private readonly Assembly _assembly;

    /// <summary>Reads an assembly and its sources.</summary>
    public NamespaceGraph(string name)
    {
        _assembly = Assembly.Load(name);
        Type[] types = [.. _assembly.GetTypes().Where(type => type.Namespace is not null && !IsGenerated(type))];
        _namespaces = [.. types.Select(type => type.Namespace!)];
        foreach (Type type in _assembly.GetTypes().Where(type => OwnerOf(type).Namespace is not null))
        {
            Read(type);
        }

        foreach (string file in Project.Named(name).Sources)
        {
            Read(file);
        }
    }

    /// <summary>Namespaces of the assembly.</summary>
    public IReadOnlySet<string> Namespaces => _namespaces;

    /// <summary>Every use of one namespace in another, with an example.</summary>
    public IReadOnlyDictionary<(string From, string To), string> Arrows => _arrows;

    /// <summary>One cycle, arrow by arrow in words; null where the namespaces have an order.</summary>
    public string? FindCycle()
    {
        HashSet<string> done = [];
        List<string> path = [];
        foreach (string start in _namespaces.Order())
        {
            if (Visit(start) is string cycle)
            {
                return cycle;
            }
        }

        return null;

        string? Visit(string at)
        {
            int begin = path.IndexOf(at);
            if (begin >= 0)
            {
                string[] round = [.. path[begin..], at];
                return string.Join(
                    "; ", round.Zip(round[1..], (from, to) => $"{from} -> {to} ({_arrows[(from, to)]})"));
            }

            if (!done.Contains(at))
            {
                path.Add(at);
                foreach ((string from, string to) in _arrows.Keys.Where(arrow => arrow.From == at).Order())
                {
                    if (Visit(to) is string cycle)
                    {
                        return cycle;
                    }
                }

                path.RemoveAt(path.Count - 1);
                done.Add(at);
            }

            return null;
        }
    }

    [GeneratedRegex(@"^namespace\s+([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^\s*(?:global\s+)?using\s+(?:static\s+)?(?:\w+\s*=\s*)?(?:global::)?([A-Z][\w.]*)",
        RegexOptions.Multiline)]
    private static partial Regex Directive();

    [GeneratedRegex(@"(?<![\w.])(?:global::)?[A-Z]\w*(?:\.[A-Z]\w*)+")]
    private static partial Regex QualifiedName();

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/|""(?:\\.|[^""\\\n])*""", RegexOptions.Singleline)]
    private static partial Regex CommentOrText();

    private static bool IsGenerated(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), false);

    private static Type OwnerOf(Type type) => type.DeclaringType is Type outer ? OwnerOf(outer) : type;

    private void Read(string file)
    {
        string text = File.ReadAllText(file);
        if (Declaration().Match(text) is not { Success: true } declaration)
        {
            return;
        }

        string from = declaration.Groups[1].Value, where = Path.GetFileName(file);
        foreach (Match directive in Directive().Matches(text))
        {
            Add(from, LongestNamespace(directive.Groups[1].Value), where);
        }

        string code = CommentOrText().Replace(text[(declaration.Index + declaration.Length)..], " ");
        foreach (Match match in QualifiedName().Matches(code))
        {
            // As the compiler looks it up: from the innermost enclosing namespace outwards.
            string name = match.Value.Replace("global::", string.Empty, StringComparison.Ordinal);
            for (string scope = from; ; scope = scope[..Math.Max(scope.LastIndexOf('.'), 0)])
            {
                string full = scope.Length == 0 ? name : $"{scope}.{name}";
                if (LongestNamespace(full) is string found && found.Length > scope.Length && IsTypeOf(found, full))
                {
                    Add(from, found, where);
                    break;
                }

                if (scope.Length == 0)
                {
                    break;
                }
            }
        }
    }

    private bool IsTypeOf(string space, string name)
    {
        string rest = name[space.Length..].TrimStart('.').Split('.')[0];
        return rest.Length > 0 && _assembly.GetTypes().Any(
            type => type.Namespace == space && type.Name.Split('`')[0] == rest);
    }

    private string? LongestNamespace(string name)
    {
        for (string candidate = name; candidate.Length > 0;
            candidate = candidate[..Math.Max(candidate.LastIndexOf('.'), 0)])
        {
            if (_namespaces.Contains(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    private void Read(Type type)
    {
        Use(type, type.BaseType);
        Array.ForEach(type.GetInterfaces(), used => Use(type, used));
        Array.ForEach(type.GetGenericArguments(), used => Use(type, used));
        foreach (FieldInfo field in type.GetFields(Declared))
        {
            Use(type, field.FieldType);
        }

        foreach (MethodBase method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)))
        {
            Array.ForEach(method.GetParameters(), parameter => Use(type, parameter.ParameterType));
            Use(type, (method as MethodInfo)?.ReturnType);
            if (method.GetMethodBody() is MethodBody body)
            {
                foreach (LocalVariableInfo local in body.LocalVariables)
                {
                    Use(type, local.LocalType);
                }

                ReadBody(type, method, body.GetILAsByteArray()!);
            }
        }
    }

    private void ReadBody(Type type, MethodBase method, byte[] body)
    {
        Type[]? typeArguments = type.IsGenericType ? type.GetGenericArguments() : null;
        Type[]? methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < body.Length;)
        {
            short value = body[at++];
            OpCode code = s_codes[value == 0xFE ? (short)(0xFE00 | body[at++]) : value];
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineField
                or OperandType.InlineType or OperandType.InlineTok)
            {
                MemberInfo? member = type.Module.ResolveMember(
                    BitConverter.ToInt32(body, at), typeArguments, methodArguments);
                Use(type, member as Type ?? member?.DeclaringType);
                Use(type, (member as FieldInfo)?.FieldType);
                if (member is MethodInfo { IsGenericMethod: true } generic)
                {
                    Array.ForEach(generic.GetGenericArguments(), used => Use(type, used));
                }
            }

            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(body, at)),
                _ => 4,
            };
        }
    }

    private void Use(Type user, Type? used)
    {
        for (; used is { HasElementType: true }; used = used.GetElementType())
        {
        }

        if (used is null)
        {
            return;
        }

        if (used.IsGenericParameter)
        {
            if (used.DeclaringType is not null)
            {
                Array.ForEach(used.GetGenericParameterConstraints(), constraint => UseOf(user, constraint));
            }

            return;
        }

        UseOf(user, used);
        foreach (Type argument in used.IsGenericType && !used.IsGenericTypeDefinition ? used.GetGenericArguments() : [])
        {
            if (!argument.IsGenericParameter)
            {
                Use(user, argument);
            }
        }
    }

    private void UseOf(Type user, Type used)
    {
        if (used.Assembly == _assembly)
        {
            Add(OwnerOf(user).Namespace!, OwnerOf(used).Namespace, OwnerOf(user).Name);
        }
    }

    private void Add(string from, string? to, string where)
    {
        if (to is not null && to != from && _namespaces.Contains(from))
        {
            _arrows.TryAdd((from, to), where);
        }
    }
}
